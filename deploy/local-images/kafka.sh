#!/bin/sh
# Starts a broker from KAFKA_… in the environment, as apache/kafka does: KAFKA_LOG_DIRS is log.dirs.
set -euf  # f: the star of the class path is for Java
properties=/tmp/server.properties
env | grep '^KAFKA_' | while IFS='=' read -r name value; do
  echo "$(echo "${name#KAFKA_}" | tr 'A-Z_' 'a-z.')=$value"
done >"$properties"
java="java -Dlog4j2.configurationFile=file:///opt/kafka/log4j2.properties -cp /opt/kafka/libs/*"
$java -Xmx128m kafka.tools.StorageTool format --cluster-id "${CLUSTER_ID:-5L6g3nShT-eMCtK--X86sw}" --config "$properties" --ignore-formatted
exec $java -Xmx512m kafka.Kafka "$properties"
