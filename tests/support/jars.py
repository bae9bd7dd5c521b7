"""A small jar of job code, compiled where a test asks for it."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pyspark
import pytest

JAVA = """
package jobs;

import java.util.*;
import org.apache.spark.sql.*;
import org.apache.spark.api.java.function.MapFunction;

public class Job {
    public static Map<String, Object> work(SparkSession spark, Map<String, Object> arguments) {
        List<Integer> numbers = (List<Integer>) arguments.get("numbers");
        List<Integer> found = spark.createDataset(numbers, Encoders.INT())
            .map((MapFunction<Integer, Integer>) n -> n * Version.FACTOR, Encoders.INT()).collectAsList();
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("result", found);
        result.put("version", Version.NAME);
        return result;
    }
}
"""
VERSION = """
package jobs;

class Version { static final int FACTOR = 2; static final String NAME = "%s"; }
"""
SEVERAL = """
package jobs;

import java.util.*;
import org.apache.spark.sql.*;

public class Several {
    public static Map<String, Object> one(SparkSession spark, Map<String, Object> arguments) { return Map.of("one", 1); }
    public static Map<String, Object> two(SparkSession spark, Map<String, Object> arguments) { return Map.of("two", 2); }
}
"""
MAIN = """
package jobs;

import org.apache.spark.sql.*;

public class Main {
    public static void main(String[] args) throws Exception {
        SparkSession spark = SparkSession.builder().getOrCreate();
        if (args[0].startsWith("fail")) throw new IllegalStateException("no " + args[0]);
        if (args[0].startsWith("rest")) spark.sql("select count(*) from range(100000000000)").collectAsList();
        java.nio.file.Files.writeString(java.nio.file.Path.of(args[0]), String.join(" ", args) + spark.range(3).count());
    }
}
"""


def compiled(folder: Path, name: str) -> Path:
    """A jar of the classes above, named by nothing but its folder."""
    javac = shutil.which("javac")
    if javac is None:
        pytest.skip("there is no javac here: a JDK is needed to make a jar")
    sources = folder / name / "src"
    sources.mkdir(parents=True)
    texts = {"Job": JAVA, "Main": MAIN, "Several": SEVERAL, "Version": VERSION % name}
    for java_class, text in texts.items():
        (sources / f"{java_class}.java").write_text(text)
    jars = Path(pyspark.__file__).parent / "jars"
    made = folder / name / "classes"
    files = [str(file) for file in sources.iterdir()]
    subprocess.run([javac, "-nowarn", "-cp", f"{jars}/*", "-d", str(made), *files], check=True, capture_output=True)
    jar = folder / name / "job.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        for file in sorted(made.rglob("*.class")):
            archive.write(file, file.relative_to(made))
    return jar
