//! The consumer's VPC endpoints. Creating one requests a connection to the service.

use super::{
    cloudtrail,
    error::{Changes, Ec2Error, Ec2Result, change_each},
    model::{Connection, Effect, Endpoint, NewEndpoint, Service, Tags},
    state::World,
};

impl World {
    /// Creates an endpoint and its connection; `InvalidServiceName` without a permission for the account.
    pub fn create_endpoint(&mut self, account: &str, service_name: &str, new: NewEndpoint) -> Ec2Result<(Endpoint, Vec<Effect>)> {
        let service = self.visible_service(account, service_name)?.clone();
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
            attachment: None,
            connection_id: self.id("vpce-con-"),
            owner: Some(account.to_owned()),
            state: if service.acceptance_required { "pendingAcceptance" } else { "pending" }.to_owned(),
            created: Some(self.now),
            region: Some(new.region.unwrap_or_else(|| self.region.clone())),
            ip_address_type: Some("ipv4".to_owned()),
            load_balancer_arns: service.load_balancer_arns.clone(),
            tags: Tags::new(),
            listed_from: self.now + self.visibility_delay,
            state_since: self.now,
        };
        self.insert(connection);
        self.endpoints.insert(id, endpoint.clone());
        endpoint
    }

    /// Describes the account's endpoints, each with the state of its connection.
    pub fn describe_endpoints(&self, account: &str, ids: &[String]) -> Ec2Result<Vec<(Endpoint, String)>> {
        ids.iter().try_for_each(|id| self.owned_endpoint(account, id).map(drop))?;
        let chosen = self.endpoints.values().filter(|endpoint| endpoint.owner == account && (ids.is_empty() || ids.contains(&endpoint.id)));
        let state = |id: &str| self.connections.get(id).map_or("deleted", |connection| &connection.state).to_owned();
        Ok(chosen.map(|endpoint| (endpoint.clone(), state(&endpoint.id))).collect())
    }

    /// Deletes endpoints.
    pub fn delete_endpoints(&mut self, account: &str, ids: &[String]) -> Changes {
        change_each(ids, |id| {
            self.owned_endpoint(account, id)?;
            let connection = self.connections.get(id).ok_or_else(|| Ec2Error::endpoint_not_found(id))?;
            let service_id = connection.service_id.clone();
            self.enter_state(id, "deleting");
            Ok(self.notify(&service_id, id, "Delete"))
        })
    }
}
