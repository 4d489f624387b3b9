//! The clients for AWS, or for the local platform of `make up`.

use aws_config::{BehaviorVersion, Region as SdkRegion, SdkConfig};
use jiff::SignedDuration;
use warden::{
    aws::{bundle_client, deployment::Deployment, diagnostics::Diagnostics, dynamodb::Table, ec2::Ec2, organizations::Organizations},
    gather::organization_cache::OrganizationCache,
    model::{
        connection::Connection,
        ids::{Region, ServiceId},
        mode::Mode,
        service::Service,
        subject::Subject,
    },
    ports::{ConnectionFilter, Describe},
};

use crate::{
    arguments::{Common, Given},
    error::CliError,
    profiles,
    stack::StackSettings,
    wording::counted,
};

/// How long the ledger keeps what this command line writes, without the setting of a stack.
pub(crate) const RETENTION: SignedDuration = SignedDuration::from_hours(400 * 24);

/// The version of the warden that records name.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "/cli");

/// Clients with the caller's own credentials.
pub(crate) struct Aws {
    pub(crate) common: Common,
    pub(crate) config: SdkConfig,
    pub(crate) deployment: Deployment,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) ec2: Ec2,
    pub(crate) region: Region,
    pub(crate) organization: OrganizationCache<Option<Organizations>>,
    ledger: Option<Table>,
}

pub(crate) struct Described {
    pub(crate) service: Service,
    pub(crate) connection: Connection,
    /// Every connection of the service.
    pub(crate) all: Vec<Connection>,
}

impl Aws {
    pub(crate) async fn connect(common: &Common) -> Result<Self, CliError> {
        let config = config(&common.given).await?;
        let stack = match &common.given.stack {
            Some(name) => Some(StackSettings::read(&config, name).await?),
            None => None,
        };
        Self::with(Common::of(common.given.clone(), stack), config).await
    }

    /// Clients for a stack that `--stack` need not name.
    pub(crate) async fn connect_to(common: &Common, stack: &str) -> Result<Self, CliError> {
        let config = config(&common.given).await?;
        let settings = StackSettings::read(&config, stack).await?;
        Self::with(Common::of(common.given.clone(), Some(settings)), config).await
    }

    /// Clients that know no more of a stack than the options that are given. For `doctor`, which says why a stack cannot be read.
    pub(crate) async fn connect_without_stack(common: &Common) -> Result<Self, CliError> {
        Self::with(common.clone(), config(&common.given).await?).await
    }

    async fn with(common: Common, config: SdkConfig) -> Result<Self, CliError> {
        let region: Region = config.region().ok_or_else(|| no_region(common.given.profile.as_deref()))?.as_ref().parse()?;
        let retention = common.stack.as_ref().map_or(RETENTION, |stack| stack.retention);
        Ok(Self {
            deployment: Deployment::new(&config, region.clone()),
            diagnostics: Diagnostics::new(&config),
            ec2: Ec2::new(&config, region.clone()),
            organization: OrganizationCache::new(Organizations::new(&config, &common.organization).await),
            ledger: common.ledger().map(|name| Table::new(&config, name.to_owned(), retention)),
            common,
            region,
            config,
        })
    }

    pub(crate) fn ledger(&self) -> Result<&Table, CliError> {
        let message = "no ledger is given: set --stack or WARDEN_STACK to the name of the stack, or --ledger to its output `LedgerName`";
        self.ledger.as_ref().ok_or_else(|| CliError::Usage(message.to_owned()))
    }

    pub(crate) async fn caller(&self) -> Result<String, CliError> {
        Ok(self.diagnostics.caller().await?.arn)
    }

    /// The mode of a service. Without `--stack`, it is known only if the service's tag narrows it.
    pub(crate) fn mode_of(&self, service: &Service) -> Option<Mode> {
        match &self.common.stack {
            Some(stack) => Some(stack.mode.of_service(service)),
            None => Some(Mode::Active.of_service(service)).filter(|mode| *mode == Mode::Observe),
        }
    }

    pub(crate) async fn services(&self) -> Result<Vec<Service>, CliError> {
        self.in_scope(self.ec2.services(None).await?, |service| service)
    }

    /// Those that are in scope. Fails if there are none: the Region or the scope is probably wrong.
    pub(crate) fn in_scope<T>(&self, mut all: Vec<T>, service: fn(&T) -> &Service) -> Result<Vec<T>, CliError> {
        let count = counted(all.len(), "endpoint service", "endpoint services");
        all.retain(|one| self.common.scope.covers(service(one)));
        if all.is_empty() {
            let (region, scope) = (&self.region, &self.common.scope);
            return Err(CliError::Usage(format!(
                "none of your {count} in {region} is in the scope `{scope}`: check --region, --profile and --scope"
            )));
        }
        Ok(all)
    }

    pub(crate) async fn describe(&self, endpoint: &Subject) -> Result<Described, CliError> {
        self.find(endpoint).await?.ok_or_else(|| self.unknown(endpoint))
    }

    /// Describes an endpoint or attachment. `None` if EC2 does not know it, or no longer.
    pub(crate) async fn find(&self, endpoint: &Subject) -> Result<Option<Described>, CliError> {
        let found = self.ec2.connections(ConnectionFilter::Subject(endpoint)).await?;
        let Some(found) = found.into_iter().next() else { return Ok(None) };
        if found.subject != *endpoint {
            return Err(CliError::Usage(format!("{endpoint} belongs to {}: give the id of the attachment", found.subject)));
        }
        let all = self.ec2.connections(ConnectionFilter::Service(&found.service)).await?;
        let Some(connection) = all.iter().find(|connection| connection.subject == *endpoint).cloned() else { return Ok(None) };
        let service = self.ec2.services(Some(&found.service)).await?.into_iter().next();
        Ok(service.map(|service| Described { service, connection, all }))
    }

    pub(crate) fn unknown(&self, endpoint: &Subject) -> CliError {
        let region = &self.region;
        CliError::Usage(format!(
            "no endpoint service of yours in {region} has a connection from {endpoint}: check the id, --region and --profile"
        ))
    }

    pub(crate) async fn service(&self, id: &ServiceId) -> Result<Service, CliError> {
        let region = &self.region;
        let unknown = || CliError::Usage(format!("{id} is no endpoint service of yours in {region}: check the id, --region and --profile"));
        self.ec2.services(Some(id)).await?.into_iter().find(|service| service.id == *id).ok_or_else(unknown)
    }
}

/// The configuration of another profile, with the other options as given.
pub(crate) async fn config_of_profile(given: &Given, profile: &str) -> Result<SdkConfig, CliError> {
    config(&given.clone().with_profile(profile)).await
}

async fn config(given: &Given) -> Result<SdkConfig, CliError> {
    profiles::check(given.profile.as_deref())?;
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(region) = &given.region {
        loader = loader.region(SdkRegion::new(region.clone()));
    }
    if let Some(profile) = &given.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &given.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(client) = bundle_client(&|name| std::env::var(name).ok())? {
        loader = loader.http_client(client);
    }
    Ok(loader.load().await)
}

fn no_region(profile: Option<&str>) -> CliError {
    CliError::Usage(match profile {
        None => "no Region is set: give --region, or set one in your AWS configuration".to_owned(),
        Some(profile) => format!("no Region is set: profile `{profile}` names none, so give --region"),
    })
}
