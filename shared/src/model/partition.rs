//! AWS's partitions: separate clouds, each with its own accounts, ARNs, names of services and root CAs.

use std::fmt;

use serde::Serialize;

/// A partition, serialized as ARNs name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Partition {
    /// The commercial Regions. A Region of an unknown form counts as one of them.
    #[serde(rename = "aws")]
    Commercial,
    /// China.
    #[serde(rename = "aws-cn")]
    China,
    /// AWS GovCloud (US).
    #[serde(rename = "aws-us-gov")]
    GovCloud,
    /// The European Sovereign Cloud.
    #[serde(rename = "aws-eusc")]
    EuropeanSovereign,
    /// US Top Secret.
    #[serde(rename = "aws-iso")]
    Iso,
    /// US Secret.
    #[serde(rename = "aws-iso-b")]
    IsoB,
    /// The European isolated cloud.
    #[serde(rename = "aws-iso-e")]
    IsoE,
    /// The second US isolated cloud.
    #[serde(rename = "aws-iso-f")]
    IsoF,
}

/// The beginnings of the Regions' names, as the `regionRegex` of the SDKs' partition metadata has them.
const REGIONS: [(&str, Partition); 7] = [
    ("cn-", Partition::China),
    ("us-gov-", Partition::GovCloud),
    ("eusc-", Partition::EuropeanSovereign),
    ("us-iso-", Partition::Iso),
    ("us-isob-", Partition::IsoB),
    ("eu-isoe-", Partition::IsoE),
    ("us-isof-", Partition::IsoF),
];

impl Partition {
    /// Returns the partition of a Region, by the Region's name.
    pub(super) fn of(region: &str) -> Self {
        REGIONS.into_iter().find(|(start, _)| region.starts_with(start)).map_or(Self::Commercial, |(_, partition)| partition)
    }

    /// Returns the partition as ARNs name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commercial => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
            Self::EuropeanSovereign => "aws-eusc",
            Self::Iso => "aws-iso",
            Self::IsoB => "aws-iso-b",
            Self::IsoE => "aws-iso-e",
            Self::IsoF => "aws-iso-f",
        }
    }

    /// Returns the domain of the services' endpoints, as the SDKs' partition metadata has it.
    #[must_use]
    pub fn dns_suffix(self) -> &'static str {
        match self {
            Self::Commercial | Self::GovCloud => "amazonaws.com",
            Self::China => "amazonaws.com.cn",
            Self::EuropeanSovereign => "amazonaws.eu",
            Self::Iso => "c2s.ic.gov",
            Self::IsoB => "sc2s.sgov.gov",
            Self::IsoE => "cloud.adc-e.uk",
            Self::IsoF => "csp.hci.ic.gov",
        }
    }

    /// Returns the beginnings that the names of endpoint services can have: the partition's domain in reverse.
    ///
    /// In the isolated partitions some of AWS's own services begin with `com.amazonaws` and others do not. Which form an endpoint service
    /// has is not documented, so both are known (`docs/aws-facts.md`).
    pub(super) fn service_name_prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Commercial | Self::GovCloud => &["com.amazonaws"],
            Self::China => &["cn.com.amazonaws"],
            Self::EuropeanSovereign => &["eu.amazonaws"],
            Self::Iso => &["gov.ic.c2s", "com.amazonaws"],
            Self::IsoB => &["gov.sgov.sc2s", "com.amazonaws"],
            Self::IsoE => &["uk.adc-e.cloud", "com.amazonaws"],
            Self::IsoF => &["gov.ic.hci.csp", "com.amazonaws"],
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use crate::model::ids::{Region, RoleArn, ServiceName, TopicArn};

    #[test]
    fn region_names_its_partition() {
        for (region, is) in [
            ("eu-west-1", "aws"),
            ("mx-central-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-iso-west-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
        ] {
            let partition = region.parse::<Region>().unwrap().partition();
            assert_eq!(partition.to_string(), is);
            assert_eq!(serde_json::to_value(partition).unwrap(), is);
            assert!(format!("arn:{partition}:iam::111122223333:role/x").parse::<RoleArn>().is_ok(), "{region}");
            assert!(format!("arn:{partition}:sns:{region}:111122223333:owners").parse::<TopicArn>().is_ok(), "{region}");
        }
    }

    #[test]
    fn service_name_begins_as_its_partition_does() {
        for name in [
            "com.amazonaws.vpce.us-east-1.vpce-svc-03d5ebb7d9579a2b3",
            "com.amazonaws.vpce.us-gov-west-1.vpce-svc-03d5ebb7d9579a2b3",
            "cn.com.amazonaws.vpce.cn-north-1.vpce-svc-03d5ebb7d9579a2b3",
            "eu.amazonaws.vpce.eusc-de-east-1.vpce-svc-03d5ebb7d9579a2b3",
            "gov.ic.c2s.vpce.us-iso-east-1.vpce-svc-03d5ebb7d9579a2b3",
            "com.amazonaws.vpce.us-iso-east-1.vpce-svc-03d5ebb7d9579a2b3",
            "gov.sgov.sc2s.vpce.us-isob-east-1.vpce-svc-03d5ebb7d9579a2b3",
            "uk.adc-e.cloud.vpce.eu-isoe-west-1.vpce-svc-03d5ebb7d9579a2b3",
            "gov.ic.hci.csp.vpce.us-isof-south-1.vpce-svc-03d5ebb7d9579a2b3",
        ] {
            let parsed: ServiceName = name.parse().unwrap();
            assert!(name.ends_with(&format!(".vpce.{}.{}", parsed.region, parsed.service)), "{name}");
        }
        for name in [
            "com.amazonaws.us-east-1.s3",
            "aws.api.us-east-1.kendra-ranking",
            "com.amazonaws.vpce.us-east-1.vpce-svc-x",
            "com.amazonaws.vpce..vpce-svc-03d5ebb7d9579a2b3",
            "cn.com.amazonaws.vpce.us-east-1.vpce-svc-03d5ebb7d9579a2b3",
            "com.amazonaws.vpce.eusc-de-east-1.vpce-svc-03d5ebb7d9579a2b3",
            "eu.amazonaws.vpce.eu-west-1.vpce-svc-03d5ebb7d9579a2b3",
            "eu.amazonaws.vpce.vpce.eusc-de-east-1.vpce-svc-03d5ebb7d9579a2b3",
        ] {
            assert!(name.parse::<ServiceName>().is_err(), "{name}");
        }
    }
}
