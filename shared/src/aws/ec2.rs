//! EC2: describes connections and services, and accepts and rejects connections.

mod fields;

use std::time::Duration;

use aws_config::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_ec2::{
    Client,
    types::{self, Filter, UnsuccessfulItem, VpcEndpointConnection},
};
use jiff::Timestamp;

use fields::{Fields, Parameters};

use crate::aws::{call_metrics::CallMetrics, error::call_error};
use crate::{
    decision::{ActionToken, ToAccept, ToReject},
    model::{
        connection::{Connection, ConnectionPage},
        ids::{Region, ServiceId, TopicArn},
        notification::ConnectionNotification,
        principal::AllowedPrincipal,
        service::{Service, ServiceConfiguration, ServiceKind, SupportedRegion},
        subject::{Subject, SubjectKind},
    },
    ports::{Accept, ActOutcome, CallError, ConnectionFilter, Describe, Inventory, PermissionEditor, Reject, Unsuccessful},
};

/// Seconds of one call that accepts or rejects. It must end well before `INTENT_AGE_MAX`.
const ACT_SECONDS_MAX: u64 = 10;

/// EC2 in one Region.
#[derive(Debug, Clone)]
pub struct Ec2 {
    client: Client,
    region: Region,
    page_size: i32,
}

impl Ec2 {
    /// Makes a client in the Region of `config`.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, region: Region) -> Self {
        // The maximum of the paginated calls about VPC endpoints.
        const PAGE_SIZE_MAX: i32 = 1000;
        let config = aws_sdk_ec2::config::Builder::from(config).interceptor(CallMetrics).build();
        Self { client: Client::from_conf(config), region, page_size: PAGE_SIZE_MAX }
    }

    /// Returns the client for acts: one attempt, because an act may take effect although its answer is lost.
    #[must_use]
    pub fn for_acts(&self) -> Self {
        let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(ACT_SECONDS_MAX)).build();
        let config = self.client.config().to_builder().retry_config(RetryConfig::disabled()).timeout_config(timeouts);
        Self { client: Client::from_conf(config.build()), ..self.clone() }
    }

    /// Returns the client with another page size, from 5 to 1,000.
    #[must_use]
    pub fn with_page_size(self, page_size: i32) -> Self {
        Self { page_size, ..self }
    }

    async fn configurations(&self, filter: Option<Filter>) -> Result<Vec<ServiceConfiguration>, CallError> {
        const CALL: &str = "DescribeVpcEndpointServiceConfigurations";
        let call = self.client.describe_vpc_endpoint_service_configurations().set_filters(filter.map(|filter| vec![filter]));
        let mut pages = call.max_results(self.page_size).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error(CALL, error))?;
            found.extend(page.service_configurations().iter().filter_map(|from| service_configuration(from, &self.region)));
        }
        Ok(found)
    }

    /// Returns one page of connections, each beside its own id.
    async fn connection_page(&self, filter: Option<Filter>, from: Option<String>) -> Result<Described, CallError> {
        const CALL: &str = "DescribeVpcEndpointConnections";
        let fields = Fields::of("vpcEndpointConnectionSet", ["transitGatewayAttachmentId", "transitGatewayAttachmentOwner"]);
        let call = self.client.describe_vpc_endpoint_connections().set_filters(filter.map(|filter| vec![filter]));
        let call = call.max_results(self.page_size).set_next_token(from);
        let output = call.customize().interceptor(fields.clone()).send().await.map_err(|error| call_error(CALL, error))?;
        let mut page = Described { next: next(output.next_token()), ..Described::default() };
        for (described, [attachment, attachment_owner]) in fields.beside(CALL, output.vpc_endpoint_connections())? {
            match connection(described, attachment.as_deref(), attachment_owner.as_deref()) {
                Some(connection) => page.connections.push((described.vpc_endpoint_connection_id().map(str::to_owned), connection)),
                None => page.unreadable.push(format!("`{}`", attachment.as_deref().or(described.vpc_endpoint_id()).unwrap_or_default())),
            }
        }
        Ok(page)
    }

    /// Returns the notifications of services. Those of endpoints belong to a consumer.
    async fn notifications(&self, filter: Option<Filter>) -> Result<Vec<ConnectionNotification>, CallError> {
        const CALL: &str = "DescribeVpcEndpointConnectionNotifications";
        let call = self.client.describe_vpc_endpoint_connection_notifications().set_filters(filter.map(|filter| vec![filter]));
        let mut pages = call.max_results(self.page_size).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error(CALL, error))?;
            found.extend(page.connection_notification_set().iter().filter_map(notification));
        }
        Ok(found)
    }
}

/// One page of connections as EC2 describes them.
#[derive(Default)]
struct Described {
    /// Each beside its own id. Those of an attachment are not joined.
    connections: Vec<(Option<String>, Connection)>,
    unreadable: Vec<String>,
    next: Option<String>,
}

impl Describe for Ec2 {
    async fn connections(&self, of: ConnectionFilter<'_>) -> Result<Vec<Connection>, CallError> {
        let filter = match of {
            ConnectionFilter::Service(id) => Some(filter("service-id", id.as_str())),
            ConnectionFilter::Subject(subject) => Some(filter(subject.filter_name(), subject.as_str())),
            ConnectionFilter::All => None,
        };
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let page = self.connection_page(filter.clone(), from).await?;
            found.extend(page.connections);
            from = page.next;
            if from.is_none() {
                return Ok(Connection::joined(found));
            }
        }
    }

    async fn services(&self, id: Option<&ServiceId>) -> Result<Vec<Service>, CallError> {
        // A filter returns no service for the id of another account, where the parameter for ids returns an error.
        let found = self.configurations(id.map(|id| filter("service-id", id.as_str()))).await?;
        Ok(found.into_iter().map(|configuration| configuration.service).collect())
    }

    async fn services_notifying(&self, topic: &TopicArn) -> Result<Vec<ServiceId>, CallError> {
        let found = self.notifications(Some(filter("connection-notification-arn", topic.as_str()))).await?;
        Ok(found.into_iter().map(|notification| notification.service).collect())
    }
}

impl Inventory for Ec2 {
    async fn service_configurations(&self) -> Result<Vec<ServiceConfiguration>, CallError> {
        self.configurations(None).await
    }

    async fn permissions(&self, service: &ServiceId) -> Result<Vec<AllowedPrincipal>, CallError> {
        const CALL: &str = "DescribeVpcEndpointServicePermissions";
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let fields = Fields::of("allowedPrincipals", ["permissionType"]);
            let call = self.client.describe_vpc_endpoint_service_permissions().service_id(service.as_str());
            let call = call.max_results(self.page_size).set_next_token(from);
            let output = call.customize().interceptor(fields.clone()).send().await.map_err(|error| call_error(CALL, error))?;
            for (allowed, [permission_type]) in fields.beside(CALL, output.allowed_principals())? {
                let kind = allowed.principal_type().map_or("", |kind| kind.as_str());
                let principal = AllowedPrincipal::parse(kind, allowed.principal().unwrap_or_default());
                found.push(principal.of_type(permission_type.as_deref().unwrap_or(SubjectKind::Endpoint.as_str())));
            }
            from = next(output.next_token());
            if from.is_none() {
                return Ok(found);
            }
        }
    }

    async fn connection_notifications(&self) -> Result<Vec<ConnectionNotification>, CallError> {
        self.notifications(None).await
    }

    async fn page(&self, service: &ServiceId, from: Option<&str>) -> Result<ConnectionPage, CallError> {
        let page = self.connection_page(Some(filter("service-id", service.as_str())), from.map(str::to_owned)).await?;
        let Described { connections, unreadable, next } = page;
        Ok(ConnectionPage { connections: Connection::joined(connections), unreadable, next })
    }
}

impl Accept for Ec2 {
    async fn accept(&self, service: &ServiceId, tokens: Vec<ActionToken<ToAccept>>) -> Result<ActOutcome, CallError> {
        let (endpoints, attachments) = ids(tokens);
        let call = self.client.accept_vpc_endpoint_connections().service_id(service.as_str()).set_vpc_endpoint_ids(Some(endpoints));
        let output = call.customize().interceptor(attachments).send().await;
        let output = output.map_err(|error| call_error("AcceptVpcEndpointConnections", error))?;
        Ok(ActOutcome::Asked(output.unsuccessful().iter().map(unsuccessful).collect()))
    }
}

impl Reject for Ec2 {
    async fn reject(&self, service: &ServiceId, tokens: Vec<ActionToken<ToReject>>) -> Result<ActOutcome, CallError> {
        let (endpoints, attachments) = ids(tokens);
        let call = self.client.reject_vpc_endpoint_connections().service_id(service.as_str()).set_vpc_endpoint_ids(Some(endpoints));
        let output = call.customize().interceptor(attachments).send().await;
        let output = output.map_err(|error| call_error("RejectVpcEndpointConnections", error))?;
        Ok(ActOutcome::Asked(output.unsuccessful().iter().map(unsuccessful).collect()))
    }
}

impl PermissionEditor for Ec2 {
    async fn admit(&self, service: &ServiceId, kind: SubjectKind, add: &[String], remove: &[String]) -> Result<(), CallError> {
        let some = |principals: &[String]| (!principals.is_empty()).then(|| principals.to_vec());
        let call = self.client.modify_vpc_endpoint_service_permissions().service_id(service.as_str());
        let call = call.set_add_allowed_principals(some(add)).set_remove_allowed_principals(some(remove));
        // Without the parameter, the permissions are those of endpoints.
        let of_kind = match kind {
            SubjectKind::Endpoint => Parameters::default(),
            SubjectKind::Attachment => Parameters::default().with("PermissionType", kind.as_str()),
        };
        let answer = call.customize().interceptor(of_kind).send().await;
        answer.map(drop).map_err(|error| call_error("ModifyVpcEndpointServicePermissions", error))
    }
}

/// Returns the ids of endpoints, and the parameters with the ids of attachments. EC2 takes ids of one kind in one call.
fn ids<Act>(tokens: Vec<ActionToken<Act>>) -> (Vec<String>, Parameters) {
    let (mut endpoints, mut attachments, mut count) = (Vec::new(), Parameters::default(), 0);
    for token in tokens {
        match token.subject() {
            Subject::Endpoint(id) => endpoints.push(id.to_string()),
            Subject::Attachment(id) => {
                count += 1;
                attachments = attachments.with(&format!("TransitGatewayAttachmentId.{count}"), id.as_str());
            }
        }
    }
    (endpoints, attachments)
}

/// Returns the token of the next page. The last page has none, or an empty one.
fn next(token: Option<&str>) -> Option<String> {
    token.filter(|token| !token.is_empty()).map(str::to_owned)
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// Converts a connection. Without readable ids it cannot be accepted or rejected, so it is skipped.
fn connection(from: &VpcEndpointConnection, attachment: Option<&str>, attachment_owner: Option<&str>) -> Option<Connection> {
    let service = from.service_id().and_then(|id| id.parse().ok());
    let (subject, owner) = match attachment {
        Some(id) => (id.parse().ok().map(Subject::Attachment), attachment_owner),
        None => (from.vpc_endpoint_id().and_then(|id| id.parse().ok()).map(Subject::Endpoint), from.vpc_endpoint_owner()),
    };
    let (Some(service), Some(subject)) = (service, subject) else {
        tracing::warn!(
            service = from.service_id(),
            endpoint = from.vpc_endpoint_id(),
            attachment,
            "EC2 described a connection without readable ids; it is skipped"
        );
        return None;
    };
    let created = from.creation_timestamp().and_then(|at| Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok());
    Some(Connection {
        service,
        subject,
        owner: owner.and_then(|owner| owner.parse().ok()),
        // The SDK's enum does not know EC2's spelling.
        state: from.vpc_endpoint_state().map_or_else(String::new, |state| state.as_str().to_owned()).into(),
        created,
        region: from.vpc_endpoint_region().and_then(|region| region.parse().ok()),
        ip_address_type: from.ip_address_type().map(|kind| kind.as_str().to_owned()),
        connected_in_part: false,
    })
}

fn service(from: &types::ServiceConfiguration, region: &Region) -> Option<Service> {
    let id = from.service_id()?.parse().ok()?;
    let kind = from.service_type().first().and_then(|detail| detail.service_type()).map_or("", |kind| kind.as_str());
    let tags = from.tags().iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
    Some(Service {
        id,
        region: region.clone(),
        kind: ServiceKind::from(kind.to_owned()),
        acceptance_required: from.acceptance_required().unwrap_or(true),
        tags: tags.collect(),
    })
}

fn service_configuration(from: &types::ServiceConfiguration, own: &Region) -> Option<ServiceConfiguration> {
    let region = |supported: &types::SupportedRegionDetail| {
        let region = supported.region()?.parse().ok()?;
        Some(SupportedRegion { region, state: supported.service_state().unwrap_or_default().to_owned() })
    };
    Some(ServiceConfiguration { service: service(from, own)?, regions: from.supported_regions().iter().filter_map(region).collect() })
}

fn notification(from: &types::ConnectionNotification) -> Option<ConnectionNotification> {
    Some(ConnectionNotification {
        service: from.service_id()?.parse().ok()?,
        topic: from.connection_notification_arn().unwrap_or_default().to_owned(),
        events: from.connection_events().to_vec(),
        enabled: from.connection_notification_state().is_some_and(|state| state.as_str().eq_ignore_ascii_case("enabled")),
    })
}

fn unsuccessful(from: &UnsuccessfulItem) -> Unsuccessful {
    let error = from.error();
    Unsuccessful {
        resource: from.resource_id().unwrap_or_default().to_owned(),
        code: error.and_then(|error| error.code()).unwrap_or("Unknown").to_owned(),
        message: error.and_then(|error| error.message()).unwrap_or_default().to_owned(),
    }
}
