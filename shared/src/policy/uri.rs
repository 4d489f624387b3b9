//! The location of a policy set.

use std::{fmt, path::PathBuf, str::FromStr};

/// The location of a policy set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyUri {
    /// A folder.
    Folder(PathBuf),
    /// An object in S3 that holds the whole set.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// A prefix in S3 whose manifest names the files of the set.
    Prefix {
        /// The bucket.
        bucket: String,
        /// The prefix, which ends in `/`.
        prefix: String,
    },
}

impl FromStr for PolicyUri {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix("s3://") else {
            // `S3://` and `https://` are valid names of folders, but not meant as such.
            return match text.split_once("://") {
                Some(_) => Err(format!("`{text}` is neither a folder nor s3://BUCKET/KEY nor s3://BUCKET/PREFIX/")),
                None => Ok(Self::Folder(PathBuf::from(text))),
            };
        };
        match rest.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                let (bucket, key) = (bucket.to_owned(), key.to_owned());
                Ok(if key.ends_with('/') { Self::Prefix { bucket, prefix: key } } else { Self::Object { bucket, key } })
            }
            _ => Err(format!("`{text}` names neither an object (s3://BUCKET/KEY) nor a prefix (s3://BUCKET/PREFIX/)")),
        }
    }
}

impl fmt::Display for PolicyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Object { bucket, key } => write!(f, "s3://{bucket}/{key}"),
            Self::Prefix { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}
