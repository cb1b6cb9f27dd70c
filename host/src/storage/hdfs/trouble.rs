//! What an error of HDFS means for whoever asked: try again, or not, and in a line of words.

use hdfs_native::HdfsError;
use std::io::{self, ErrorKind};

/// Why a call did not do what it was asked, or did not say so.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Away, overloaded, in safe mode, a lost answer: it may have been done, and trying again may help.
    Passing(String),
    /// It was refused.
    Final(io::Error),
}

impl Trouble {
    pub(super) fn not_found(path: &str) -> Self {
        Self::Final(io::Error::new(ErrorKind::NotFound, format!("{path} is not there")))
    }

    pub(super) fn of(error: HdfsError) -> Self {
        let text = line(&error);
        let kind = match &error {
            HdfsError::FileNotFound(_) => ErrorKind::NotFound,
            HdfsError::AlreadyExists(_) => ErrorKind::AlreadyExists,
            HdfsError::IsADirectoryError(_) => ErrorKind::IsADirectory,
            HdfsError::RPCError(class, _) | HdfsError::FatalRPCError(class, _) => match refused(class) {
                Some(kind) => kind,
                None => return Self::Passing(text),
            },
            HdfsError::SASLError(_) | HdfsError::GSSAPIError(..) | HdfsError::NoSASLMechanism => {
                ErrorKind::PermissionDenied
            }
            HdfsError::IOError(_)
            | HdfsError::DataTransferError(_)
            | HdfsError::ChecksumError
            | HdfsError::OperationFailed(_)
            | HdfsError::BlocksNotFound(_)
            | HdfsError::InvalidRPCResponse(_) => return Self::Passing(text),
            HdfsError::InvalidPath(_) | HdfsError::InvalidArgument(_) | HdfsError::UrlParseError(_) => {
                ErrorKind::InvalidInput
            }
            HdfsError::UnsupportedFeature(_) | HdfsError::UnsupportedErasureCodingPolicy(_) => ErrorKind::Unsupported,
            _ => ErrorKind::Other,
        };
        Self::Final(io::Error::new(kind, text))
    }
}

/// What a NameNode's exception refuses; `None` where it may pass: safe mode, a standby, no DataNode to write to, a lease in recovery.
fn refused(class: &str) -> Option<ErrorKind> {
    let name = class.rsplit(['.', '$']).next().unwrap_or(class);
    Some(match name {
        "FileNotFoundException" => ErrorKind::NotFound,
        "FileAlreadyExistsException" => ErrorKind::AlreadyExists,
        "ParentNotDirectoryException" | "PathIsNotDirectoryException" => ErrorKind::NotADirectory,
        "PathIsNotEmptyDirectoryException" => ErrorKind::DirectoryNotEmpty,
        "AccessControlException" | "AuthorizationException" | "InvalidToken" | "SaslException" | "GSSException" => {
            ErrorKind::PermissionDenied
        }
        "NSQuotaExceededException" | "DSQuotaExceededException" | "QuotaByStorageTypeExceededException" => {
            ErrorKind::QuotaExceeded
        }
        "InvalidPathException" | "HadoopIllegalArgumentException" | "IllegalArgumentException" => {
            ErrorKind::InvalidInput
        }
        "UnsupportedOperationException" => ErrorKind::Unsupported,
        _ => return None,
    })
}

/// The first line: after it comes the stack of a Java program.
fn line(error: &HdfsError) -> String {
    let text = match error {
        HdfsError::RPCError(class, message) | HdfsError::FatalRPCError(class, message) => {
            let name = class.rsplit('.').next().unwrap_or(class);
            let message = message.trim_start();
            // Some messages begin with their class, and some do not.
            if message.starts_with(class.as_str()) { message.to_owned() } else { format!("{name}: {message}") }
        }
        HdfsError::IOError(source) => source.to_string(),
        other => other.to_string(),
    };
    text.lines().next().unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rpc(class: &str, message: &str) -> Trouble {
        Trouble::of(HdfsError::RPCError(class.to_owned(), message.to_owned()))
    }

    #[test]
    fn stacks_of_java_are_cut() {
        let message = "rename destination /a already exists\n\tat org.apache.hadoop.X(X.java:7)\n\tat java.Y";
        let Trouble::Final(error) = rpc("org.apache.hadoop.fs.FileAlreadyExistsException", message) else { panic!() };
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(error.to_string(), "FileAlreadyExistsException: rename destination /a already exists");
        let Trouble::Passing(reason) =
            rpc("org.apache.hadoop.hdfs.server.namenode.SafeModeException", "Cannot create file\nIt was turned on")
        else {
            panic!()
        };
        assert_eq!(reason, "SafeModeException: Cannot create file");
    }

    #[test]
    fn refusals_are_told_from_what_passes() {
        for (class, kind) in [
            ("java.io.FileNotFoundException", ErrorKind::NotFound),
            ("org.apache.hadoop.security.AccessControlException", ErrorKind::PermissionDenied),
            ("org.apache.hadoop.security.token.SecretManager$InvalidToken", ErrorKind::PermissionDenied),
            ("org.apache.hadoop.hdfs.protocol.DSQuotaExceededException", ErrorKind::QuotaExceeded),
            ("org.apache.hadoop.fs.ParentNotDirectoryException", ErrorKind::NotADirectory),
        ] {
            assert!(matches!(rpc(class, "x"), Trouble::Final(error) if error.kind() == kind), "{class}");
        }
        for class in [
            "java.io.IOException",
            "org.apache.hadoop.ipc.StandbyException",
            "org.apache.hadoop.ipc.RetriableException",
        ] {
            assert!(matches!(rpc(class, "x"), Trouble::Passing(_)), "{class}");
        }
        let broken = HdfsError::IOError(io::Error::from(ErrorKind::ConnectionReset));
        assert!(matches!(Trouble::of(broken), Trouble::Passing(_)));
    }
}
