//! The connection to AWS, or to `make up`.

use aws_config::{BehaviorVersion, Region as SdkRegion, SdkConfig};
use jiff::SignedDuration;
use warden::{
    aws::{diagnostics::Diagnostics, dynamodb::Table, ec2::Ec2, organizations::Organizations, s3::bucket_of},
    gather::{organization_cache::OrganizationCache, policy_reload},
    model::{
        connection::Connection,
        ids::{AccountId, EndpointId, Region},
        service::Service,
    },
    policy::{PolicySet, PolicyUri},
    ports::{ConnectionFilter, Describe},
};

use crate::{arguments::Common, failure::Failure, output::counted, policy};

/// How long the ledger keeps what a person writes; the scheduled functions have their own setting.
pub(crate) const RETENTION: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Clients with the caller's own credentials.
pub(crate) struct Aws {
    pub(crate) config: SdkConfig,
    pub(crate) checkup: Diagnostics,
    pub(crate) ec2: Ec2,
    pub(crate) region: Region,
    pub(crate) members: OrganizationCache<Option<Organizations>>,
    ledger: Option<Table>,
}

impl Aws {
    pub(crate) async fn connect(common: &Common) -> Result<Self, Failure> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = &common.region {
            loader = loader.region(SdkRegion::new(region.clone()));
        }
        if let Some(profile) = &common.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &common.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let config = loader.load().await;
        let region: Region = config.region().ok_or_else(|| Failure::Usage(no_region(common.profile.as_deref())))?.as_ref().parse()?;
        let ledger = common.ledger().map(|name| Table::new(&config, name.to_owned(), RETENTION));
        let members = OrganizationCache::new(Organizations::new(&config, &common.organization).await);
        Ok(Self { members, checkup: Diagnostics::new(&config), ec2: Ec2::new(&config, region.clone()), region, ledger, config })
    }

    pub(crate) fn ledger(&self) -> Result<&Table, Failure> {
        let what = "name the ledger: --ledger TABLE, or WARDEN_LEDGER (it is `LedgerName` in the stack's outputs)";
        self.ledger.as_ref().ok_or_else(|| Failure::Usage(what.to_owned()))
    }

    /// A policy set, wherever it lies.
    pub(crate) async fn policy(&self, uri: &PolicyUri) -> Result<PolicySet, Failure> {
        if let PolicyUri::Folder(folder) = uri {
            return policy::load(folder);
        }
        let files = policy_reload::files(uri, &bucket_of(&self.config, uri)).await?;
        Ok(PolicySet::of_files(&files, &uri.to_string())?)
    }

    /// Who the caller is, as STS says.
    pub(crate) async fn caller(&self) -> Result<String, Failure> {
        Ok(self.checkup.caller().await?.arn)
    }

    /// The caller's account.
    pub(crate) async fn account(&self) -> Result<AccountId, Failure> {
        Ok(self.checkup.caller().await?.account.parse()?)
    }

    /// The services in scope.
    pub(crate) async fn services(&self, common: &Common) -> Result<Vec<Service>, Failure> {
        let all = self.ec2.services(None).await?;
        self.in_scope(common, all, |service| service)
    }

    /// Those in scope of what is there. None at all is no good news but a wrong Region or a misspelt scope.
    pub(crate) fn in_scope<T>(&self, common: &Common, mut all: Vec<T>, service: fn(&T) -> &Service) -> Result<Vec<T>, Failure> {
        let there = counted(all.len(), "endpoint service", "endpoint services");
        all.retain(|one| common.scope.covers(service(one)));
        if all.is_empty() {
            return Err(Failure::Usage(format!(
                "of {there} of yours in {}, none is in the scope `{}`: check --region, --profile and --scope",
                self.region, common.scope
            )));
        }
        Ok(all)
    }

    /// A connection with its service and the others of that service.
    pub(crate) async fn connection(&self, endpoint: &EndpointId) -> Result<(Service, Connection, Vec<Connection>), Failure> {
        let unknown = || {
            Failure::Usage(format!(
                "no endpoint service of yours in {} has a connection from {endpoint}: check the id, --region and --profile",
                self.region
            ))
        };
        let found = self.ec2.connections(ConnectionFilter::Endpoint(endpoint)).await?;
        let service = found.into_iter().find(|connection| connection.endpoint == *endpoint).ok_or_else(unknown)?.service;
        let all = self.ec2.connections(ConnectionFilter::Service(&service)).await?;
        let connection = all.iter().find(|connection| connection.endpoint == *endpoint).cloned().ok_or_else(unknown)?;
        let service = self.ec2.services(Some(&service)).await?.into_iter().next().ok_or_else(unknown)?;
        Ok((service, connection, all))
    }
}

fn no_region(profile: Option<&str>) -> String {
    match profile {
        None => "no Region is set: give --region, or set one in your AWS configuration".to_owned(),
        Some(profile) => format!("no Region is set: is there a profile `{profile}`? If it names no Region, give --region"),
    }
}
