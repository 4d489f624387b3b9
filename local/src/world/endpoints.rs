//! The consumer's side: endpoints that ask for a connection.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Connection, Ec2Error, Tags, Unsuccessful, World};

/// A consumer's VPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `vpce-…`.
    pub id: String,
    /// The consumer's account.
    pub owner: String,
    /// The service's full name.
    pub service_name: String,
    /// `Interface` or `GatewayLoadBalancer`.
    pub kind: String,
    /// The VPC.
    pub vpc_id: String,
    /// The subnets.
    pub subnet_ids: Vec<String>,
    /// The consumer's tags.
    pub tags: Tags,
    /// When it was created.
    pub created: Timestamp,
}

/// What a new endpoint is made of.
#[derive(Debug, Clone, Default)]
pub struct NewEndpoint {
    /// The VPC.
    pub vpc_id: String,
    /// The subnets.
    pub subnet_ids: Vec<String>,
    /// The consumer's tags.
    pub tags: Tags,
    /// The endpoint's Region, where it is not the service's.
    pub region: Option<String>,
}

/// What AWS sends after a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A connection notification.
    Notification {
        /// Where to.
        topic_arn: String,
        /// The service's owner, in whose name it is sent.
        owner: String,
        /// `Connect`, `Accept`, `Reject` or `Delete`.
        event: String,
        /// The service.
        service_id: String,
        /// The endpoint.
        endpoint_id: String,
    },
    /// A CloudTrail event in the consumer's account.
    CloudTrail {
        /// The consumer.
        account: String,
        /// The event's `detail`.
        event_detail: Value,
        /// The consumer's Region.
        region: String,
    },
}

impl World {
    /// Creates an endpoint, which asks for a connection.
    ///
    /// # Errors
    /// `InvalidServiceName` for a service that the account may not see.
    pub fn create_endpoint(&mut self, account: &str, service_name: &str, new: NewEndpoint) -> Result<(Endpoint, Vec<Effect>), Ec2Error> {
        let service = self.visible(account, service_name)?.clone();
        let (id, connection_id) = (self.id("vpce-"), self.id("vpce-con-"));
        let region = new.region.unwrap_or_else(|| self.region.clone());
        let endpoint = Endpoint {
            id: id.clone(),
            owner: account.to_owned(),
            service_name: service.name.clone(),
            kind: service.kind.clone(),
            vpc_id: new.vpc_id,
            subnet_ids: new.subnet_ids,
            tags: new.tags,
            created: self.now,
        };
        let connection = Connection {
            service_id: service.id.clone(),
            endpoint_id: id.clone(),
            connection_id,
            owner: Some(account.to_owned()),
            state: if service.acceptance_required { "pendingAcceptance" } else { "pending" }.to_owned(),
            created: Some(self.now),
            region: Some(region.clone()),
            ip_address_type: Some("ipv4".to_owned()),
            load_balancer_arns: service.load_balancer_arns.clone(),
            tags: Tags::new(),
            listed_from: self.now + self.visibility_delay,
            changed: self.now,
        };
        let mut effects = self.notify(&service.id, &id, "Connect");
        effects.push(Effect::CloudTrail { account: account.to_owned(), event_detail: trail(&endpoint, &connection, &region), region });
        self.by_service.entry(service.id).or_default().insert(id.clone());
        self.unsettled.insert(id.clone());
        self.connections.insert(id.clone(), connection);
        self.endpoints.insert(id, endpoint.clone());
        Ok((endpoint, effects))
    }

    /// The account's endpoints with their states.
    ///
    /// # Errors
    /// For an id that is not the account's.
    pub fn describe_endpoints(&self, account: &str, ids: &[String]) -> Result<Vec<(Endpoint, String)>, Ec2Error> {
        let own = |id: &String| self.endpoints.get(id).is_some_and(|endpoint| endpoint.owner == account);
        if let Some(id) = ids.iter().find(|id| !own(id)) {
            return Err(Ec2Error::new("InvalidVpcEndpointId.NotFound", format!("The Vpc Endpoint Id '{id}' does not exist")));
        }
        let chosen = self.endpoints.values().filter(|endpoint| endpoint.owner == account && (ids.is_empty() || ids.contains(&endpoint.id)));
        let state = |endpoint: &Endpoint| {
            self.connections.get(&endpoint.id).map_or_else(|| "deleted".to_owned(), |connection| connection.state.clone())
        };
        Ok(chosen.map(|endpoint| (endpoint.clone(), state(endpoint))).collect())
    }

    /// Deletes endpoints.
    pub fn delete_endpoints(&mut self, account: &str, ids: &[String]) -> (Vec<Unsuccessful>, Vec<Effect>) {
        let (mut failed, mut effects) = (Vec::new(), Vec::new());
        let now = self.now;
        for id in ids {
            let own = self.endpoints.get(id).is_some_and(|endpoint| endpoint.owner == account);
            match self.connections.get_mut(id).filter(|_| own) {
                None => failed.push(Unsuccessful {
                    resource_id: id.clone(),
                    code: "InvalidVpcEndpointId.NotFound".to_owned(),
                    message: format!("The Vpc Endpoint Id '{id}' does not exist"),
                }),
                Some(connection) => {
                    connection.become_("deleting", now);
                    self.unsettled.insert(id.clone());
                    let service = connection.service_id.clone();
                    effects.extend(self.notify(&service, id, "Delete"));
                }
            }
        }
        (failed, effects)
    }
}

/// CloudTrail's account of the creation, in the shape that was captured from AWS.
fn trail(endpoint: &Endpoint, connection: &Connection, region: &str) -> Value {
    let subnets = |one: &dyn Fn(&String) -> Value| match endpoint.subnet_ids.as_slice() {
        [] => json!(""),
        [subnet] => one(subnet),
        several => several.iter().map(one).collect(),
    };
    json!({
        "eventVersion": "1.10",
        "userIdentity": {"type": "AssumedRole", "accountId": endpoint.owner,
            "arn": format!("arn:aws:sts::{}:assumed-role/network-deployer/ci", endpoint.owner),
            "sessionContext": {"sessionIssuer": {"type": "Role", "accountId": endpoint.owner, "userName": "network-deployer",
                "arn": format!("arn:aws:iam::{}:role/team/network-deployer", endpoint.owner)}}},
        "eventTime": endpoint.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "eventSource": "ec2.amazonaws.com", "eventName": "CreateVpcEndpoint", "awsRegion": region,
        "requestParameters": {"CreateVpcEndpointRequest": {"VpcId": endpoint.vpc_id, "ServiceName": endpoint.service_name,
            "VpcEndpointType": endpoint.kind, "SubnetId": subnets(&|subnet| json!({"tag": 1, "content": subnet}))}},
        "responseElements": {"CreateVpcEndpointResponse": {"xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/",
            "vpcEndpoint": {"vpcEndpointId": endpoint.id, "vpcEndpointType": endpoint.kind, "vpcId": endpoint.vpc_id,
                "serviceName": endpoint.service_name, "state": connection.state, "ownerId": endpoint.owner,
                "creationTimestamp": endpoint.created.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()}}},
        "eventID": format!("trail-{}", endpoint.id), "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true,
        "recipientAccountId": endpoint.owner, "eventCategory": "Management",
    })
}
