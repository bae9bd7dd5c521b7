"""Topic names in code are those of `schemas/topics.yaml`; they are written in one module."""

from mist_eventlog.topics import load_topics, names


def test_each_topic_of_the_catalogue_has_a_name_in_code() -> None:
    in_code = {value for name, value in vars(names).items() if name.isupper()}
    assert in_code == {topic.name for topic in load_topics()}
