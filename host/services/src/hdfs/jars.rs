//! The jars of both daemons.

use crate::jars::Jars;

/// The version of Hadoop.
pub const VERSION: &str = "3.5.0";

/// The daemons come shaded with all they need, but for one: without jaxb-api, WebHDFS answers with 500.
pub(super) const JARS: Jars = Jars {
    name: "hdfs",
    version: VERSION,
    pom: r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>weir</groupId><artifactId>hdfs</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.hadoop</groupId><artifactId>hadoop-client-minicluster</artifactId><version>3.5.0</version></dependency>
    <dependency><groupId>javax.xml.bind</groupId><artifactId>jaxb-api</artifactId><version>2.3.1</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"#,
};
