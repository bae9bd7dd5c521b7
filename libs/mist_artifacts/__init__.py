"""The store of uploaded files, by their content: a folder, or any place that fsspec reaches. Knows no names."""

from mist_artifacts.store import ArtifactStore, StoreError

__all__ = ["ArtifactStore", "StoreError"]
