//! Files over WebHDFS: the NameNode says which DataNode to ask.

use crate::ServiceError;
use crate::http::{self, Answer, escaped};
use serde_json::Value;

pub(super) fn read(web: &str, path: &str) -> Result<Vec<u8>, ServiceError> {
    let url = format!("{web}{}?op=OPEN", escaped(path));
    let answer = ask("GET", &url, &[])?;
    // Of an empty file it may be the NameNode that answers.
    match &answer.location {
        Some(there) => ask("GET", there, &[]).map(|answer| answer.body),
        None => Ok(answer.body),
    }
}

pub(super) fn list(web: &str, path: &str) -> Result<Vec<String>, ServiceError> {
    let answer = ask("GET", &format!("{web}{}?op=LISTSTATUS", escaped(path)), &[])?;
    names(&answer.body).ok_or_else(|| ServiceError::Failed(format!("WebHDFS lists {path} in an unknown way")))
}

fn names(body: &[u8]) -> Option<Vec<String>> {
    let list: Value = serde_json::from_slice(body).ok()?;
    let files = list["FileStatuses"]["FileStatus"].as_array()?;
    let mut names =
        files.iter().map(|file| Some(file["pathSuffix"].as_str()?.to_owned())).collect::<Option<Vec<_>>>()?;
    names.sort();
    Some(names)
}

pub(super) fn write(web: &str, path: &str, bytes: &[u8]) -> Result<(), ServiceError> {
    let url = format!("{web}{}?op=CREATE&overwrite=true", escaped(path));
    let answer = ask("PUT", &url, &[])?;
    let there = answer.location.ok_or_else(|| ServiceError::Failed("WebHDFS names no DataNode".to_owned()))?;
    ask("PUT", &there, bytes).map(drop)
}

/// An answer that is not an error.
fn ask(method: &str, url: &str, body: &[u8]) -> Result<Answer, ServiceError> {
    let answer = http::ask(method, url, body).map_err(ServiceError::io(format!("{method} {url}")))?;
    if answer.status < 400 {
        return Ok(answer);
    }
    let text = String::from_utf8_lossy(&answer.body);
    Err(ServiceError::Failed(format!("{method} {url} failed with {}: {text}", answer.status)))
}
