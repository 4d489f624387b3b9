//! The mode: observe or active.

use std::str::FromStr;

use crate::model::service::Service;

/// The tag of a service that narrows an active deployment to observing this service.
pub const MODE_TAG: &str = "warden:mode";

/// The mode of a deployment, or of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The warden decides, records and tells, and does not act.
    Observe,
    /// The warden accepts and rejects.
    Active,
}

impl Mode {
    /// Returns the mode of a service under this mode of the deployment. The tag [`MODE_TAG`] narrows and never widens: with each
    /// value but `active` the service is observed, so that a misspelled value causes no act.
    #[must_use]
    pub fn of_service(self, service: &Service) -> Self {
        match service.tags.get(MODE_TAG).map(String::as_str) {
            None | Some("active") => self,
            Some(_) => Self::Observe,
        }
    }

    /// Returns the name, as settings and reports write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Active => "active",
        }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "observe" => Ok(Self::Observe),
            "active" => Ok(Self::Active),
            _ => Err(format!("`{text}` is not a mode")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_narrows_and_never_widens() {
        let service = |value: Option<&str>| Service {
            id: "vpce-svc-03d5ebb7d9579a2b3".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            kind: "Interface".to_owned().into(),
            acceptance_required: true,
            tags: value.map(|value| (MODE_TAG.to_owned(), value.to_owned())).into_iter().collect(),
        };
        for (value, expected) in [
            (None, Mode::Active),
            (Some("active"), Mode::Active),
            (Some("observe"), Mode::Observe),
            (Some("Observe"), Mode::Observe),
            (Some("Active "), Mode::Observe),
            (Some(""), Mode::Observe),
        ] {
            assert_eq!(Mode::Active.of_service(&service(value)), expected, "{value:?}");
            assert_eq!(Mode::Observe.of_service(&service(value)), Mode::Observe, "{value:?}");
        }
    }
}
