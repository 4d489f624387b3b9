//! The consumer's VPC endpoints. Creating one requests a connection to the service.

use super::{
    cloudtrail,
    consumer::{Connection, Endpoint, NewEndpoint},
    error::{Changes, Ec2Error, Ec2Result, change_each},
    model::{Caller, Effect, Service, Tags},
    private_dns,
    state::World,
};

impl World {
    /// Creates an endpoint and its connection; `InvalidServiceName` without a permission for the account.
    pub fn create_endpoint(&mut self, account: &str, service_name: &str, new: NewEndpoint) -> Ec2Result<(Endpoint, Vec<Effect>)> {
        let service = self.visible_service(account, service_name)?.clone();
        check_type(&service, &new)?;
        private_dns::check_endpoint(&service, &new)?;
        let (id, region) = (self.id("vpce-"), new.region.clone().unwrap_or_else(|| self.region.clone()));
        let endpoint = self.open_endpoint(&service, account, id, new);
        let mut effects = self.notify(&service.id, &endpoint.id, "Connect");
        let state = self.connections.get(&endpoint.id).map_or("", |connection| &connection.state);
        let event_detail = cloudtrail::create_vpc_endpoint(&endpoint, state, &region);
        effects.push(Effect::CloudTrail { account: account.to_owned(), event_detail, region });
        Ok((endpoint, effects))
    }

    /// Adds an endpoint and its connection.
    pub(super) fn open_endpoint(&mut self, service: &Service, account: &str, id: String, new: NewEndpoint) -> Endpoint {
        let endpoint = Endpoint {
            id: id.clone(),
            owner: account.to_owned(),
            region: new.region.unwrap_or_else(|| self.region.clone()),
            service_name: service.name.clone(),
            service_region: self.region.clone(),
            kind: service.kind.clone(),
            ip_address_type: new.ip_address_type.unwrap_or_else(|| "ipv4".to_owned()),
            private_dns_enabled: new.private_dns_enabled,
            vpc_id: new.vpc_id,
            subnet_ids: new.subnet_ids,
            tags: new.tags,
            created: self.now,
        };
        let connection = Connection {
            service_id: service.id.clone(),
            endpoint_id: id.clone(),
            attachment: None,
            connection_id: self.id("vpce-con-"),
            owner: Some(account.to_owned()),
            state: if service.acceptance_required { "pendingAcceptance" } else { "pending" }.to_owned(),
            created: Some(self.now),
            region: Some(endpoint.region.clone()),
            ip_address_type: Some(endpoint.ip_address_type.clone()),
            load_balancer_arns: service.load_balancer_arns.clone(),
            tags: Tags::new(),
            listed_from: self.now + self.visibility_delay,
            state_since: self.now,
        };
        self.insert(connection);
        self.endpoints.insert(id, endpoint.clone());
        endpoint
    }

    /// Returns the caller's endpoints, each with the state of its connection.
    pub(super) fn endpoints_of(&self, caller: Caller<'_>) -> impl Iterator<Item = (Endpoint, String)> {
        let is_own = move |endpoint: &&Endpoint| endpoint.owner == caller.account && endpoint.region == caller.region;
        let state = |id: &str| self.connections.get(id).map_or("deleted", |connection| &connection.state).to_owned();
        self.endpoints.values().filter(is_own).map(move |endpoint| (endpoint.clone(), state(&endpoint.id)))
    }

    /// Returns the Region of an endpoint.
    pub(super) fn endpoint_region(&self, id: &str) -> Option<&str> {
        self.endpoints.get(id).map(|endpoint| endpoint.region.as_str())
    }

    /// Deletes endpoints.
    pub fn delete_endpoints(&mut self, account: &str, ids: &[String]) -> Changes {
        change_each(ids, |id| self.delete_endpoint(account, id))
    }

    pub(super) fn delete_endpoint(&mut self, account: &str, id: &str) -> Ec2Result<Vec<Effect>> {
        self.owned_endpoint(account, id)?;
        let connection = self.connections.get(id).ok_or_else(|| Ec2Error::endpoint_not_found(id))?;
        let service_id = connection.service_id.clone();
        self.enter_state(id, "deleting");
        Ok(self.notify(&service_id, id, "Delete"))
    }
}

/// Checks that an endpoint has its service's type. [S: the code and the message]
fn check_type(service: &Service, new: &NewEndpoint) -> Ec2Result<()> {
    match &new.kind {
        Some(kind) if *kind != service.kind => {
            let message = format!("Endpoint type ({kind}) does not match available service types ([{}]).", service.kind);
            Err(Ec2Error::new("InvalidParameter", message))
        }
        _ => Ok(()),
    }
}
