//! The daemons' settings as files: small, on loopback, quick to notice a restart.

use crate::ServiceError;
use std::path::Path;

/// The daemons' ports.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ports {
    /// The NameNode's, for clients.
    pub(super) name: u16,
    /// Its WebHDFS and state.
    pub(super) name_http: u16,
    /// The DataNode's, for blocks.
    pub(super) data: u16,
    /// Its WebHDFS and state.
    pub(super) data_http: u16,
    /// Its calls.
    pub(super) data_calls: u16,
}

impl Ports {
    pub(super) const COUNT: usize = 5;

    /// So many ports, in the order of the fields.
    pub(super) fn named(ports: &[u16]) -> Ports {
        Ports { name: ports[0], name_http: ports[1], data: ports[2], data_http: ports[3], data_calls: ports[4] }
    }
}

/// Makes the folders that have to be there.
///
/// Empty ones take the place of the pages for people, which each start would unpack from the jar.
pub(super) fn make_folders(folder: &Path) -> Result<(), ServiceError> {
    let made = |name| std::fs::create_dir_all(folder.join(name));
    let all = ["tmp", "conf/webapps/hdfs", "conf/webapps/datanode", "conf/webapps/static"];
    all.into_iter().try_for_each(made).map_err(ServiceError::io(format!("{} can't be made", folder.display())))
}

/// Writes `conf/core-site.xml` and `conf/hdfs-site.xml`.
pub(super) fn write(folder: &Path, ports: Ports) -> Result<(), ServiceError> {
    let Ports { name, name_http, data, data_http, data_calls } = ports;
    let path = folder.display();
    let core = [
        ("fs.defaultFS", format!("hdfs://127.0.0.1:{name}")),
        ("hadoop.tmp.dir", format!("{path}/tmp")),
        // The DataNode knocks at a NameNode that is not there yet every second otherwise.
        ("ipc.client.connect.retry.interval", "200".to_owned()),
        ("ipc.client.connect.max.retries", "50".to_owned()),
    ];
    let hdfs = [
        ("dfs.namenode.name.dir", format!("file://{path}/name")),
        ("dfs.datanode.data.dir", format!("file://{path}/data")),
        ("dfs.replication", "1".to_owned()),
        ("dfs.permissions.enabled", "false".to_owned()),
        ("dfs.namenode.rpc-bind-host", "127.0.0.1".to_owned()),
        ("dfs.namenode.http-address", format!("127.0.0.1:{name_http}")),
        ("dfs.datanode.address", format!("127.0.0.1:{data}")),
        ("dfs.datanode.http.address", format!("127.0.0.1:{data_http}")),
        ("dfs.datanode.ipc.address", format!("127.0.0.1:{data_calls}")),
        ("dfs.datanode.hostname", "127.0.0.1".to_owned()),
        ("dfs.namenode.datanode.registration.ip-hostname-check", "false".to_owned()),
        ("dfs.namenode.safemode.extension", "0".to_owned()),
        ("dfs.heartbeat.interval", "1s".to_owned()),
        // Milliseconds, and without a unit: the NameNode stops at "2s".
        ("dfs.namenode.heartbeat.recheck-interval", "2000".to_owned()),
    ];
    write_file(&folder.join("conf/core-site.xml"), &core)?;
    write_file(&folder.join("conf/hdfs-site.xml"), &hdfs)
}

fn write_file(path: &Path, settings: &[(&str, String)]) -> Result<(), ServiceError> {
    let lines = settings
        .iter()
        .map(|(name, value)| format!("  <property><name>{name}</name><value>{}</value></property>\n", escaped(value)));
    let text = format!("<configuration>\n{}</configuration>\n", lines.collect::<String>());
    std::fs::write(path, text).map_err(ServiceError::io(format!("{} can't be written", path.display())))
}

fn escaped(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;")
}
