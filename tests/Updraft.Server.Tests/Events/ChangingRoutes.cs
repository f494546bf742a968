using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.SignIn;
using Updraft.Server.Tests.Web;

namespace Updraft.Server.Tests.Events;

/// <summary>The events of a route that changes data.</summary>
/// <param name="Types">The types of the events of one successful request, in order.</param>
/// <param name="Prepare">Creates the objects that the request needs, and returns the request.</param>
internal sealed record Change(string[] Types, Func<ChangingRoutes, string, Task<Func<Task<HttpResponseMessage>>>> Prepare);

/// <summary>All routes that change data, with a request for each.</summary>
internal sealed class ChangingRoutes(UpdraftServer server)
{
    private const string Deployments = "/organizations/{organizationId}/deployments", Tokens = "/organizations/{organizationId}/tokens",
        Bundles = Deployments + "/{deploymentId}/bundles", Deploys = Deployments + "/{deploymentId}/deploys", Hibernation = Deployments
            + "/{deploymentId}/hibernation-override",
        Webhooks = "/organizations/{organizationId}/webhooks", Users = "/organizations/{organizationId}/users/{userId}";

    /// <summary>Routes that record no event, with the reason.</summary>
    public static readonly Dictionary<string, string> Silent = new(StringComparer.Ordinal)
    {
        ["POST /organizations/{organizationId}/clusters"] = "is always rejected",
        ["POST /organizations/{organizationId}/clusters/{clusterId}"] = "is always rejected",
        ["DELETE /organizations/{organizationId}/clusters/{clusterId}"] = "is always rejected",
        ["PUT /uploads/{deploymentId}/{deployId}/{purpose}"] =
            "the creation of the deploy is recorded, and an upload takes effect with the finalize",
        ["* /uploads/{deploymentId}/{deployId}/{purpose}"] = "rejects other methods than PUT",
        ["POST /authorize/confirm"] = "gives a code to the client, and the exchange of the code is recorded",
        ["POST /agent/v1/report"] = "the timeline of the deploy has the agents' reports, and a failed deploy is recorded "
            + "(RollBackFailedDeployTests)",
        ["* /v2/{**path}"] = "the registry stores images, and an image takes effect with a deploy",
    };

    /// <summary>Routes that record events. The paths of the API have no version prefix here.</summary>
    public static readonly Dictionary<string, Change> Recorded = new(StringComparer.Ordinal)
    {
        ["POST /organizations/{organizationId}"] = Api(["organization.updated"], _ => [], """{"name":"Shop","billingEmail":"","isScimEnabled":false}"""),
        ["POST /organizations/{organizationId}/workspaces"] = Api(["workspace.created"], _ => [], """{"name":"NEW"}"""),
        ["POST /organizations/{organizationId}/workspaces/{workspaceId}"] =
            Api(["workspace.updated"], async at => [await at.WorkspaceAsync()],
            """{"name":"NEW","description":"","cicdEnforcedDefault":true}"""),
        ["DELETE /organizations/{organizationId}/workspaces/{workspaceId}"] =
            Api(["workspace.deleted"], async at => [await at.WorkspaceAsync()]),
        [$"POST {Deployments}"] = Api(["deployment.created"], _ => [], """{"name":"NEW","workspaceId":"WORKSPACE","isDagDeployEnabled":true}"""),
        [$"POST {Deployments}/{{deploymentId}}"] = Api(["deployment.updated"], async at => [await at.DeploymentAsync()],
            """
            {"name":"NEW","workspaceId":"WORKSPACE","isDagDeployEnabled":true,"isCicdEnforced":true,"environmentVariables":[{"key":"K","value":"hidden-value","isSecret":false}],
            "executor":"CELERY","isHighAvailability":false,"schedulerSize":"SMALL","type":"STANDARD"}
            """),
        [$"DELETE {Deployments}/{{deploymentId}}"] = Api(["deployment.deleted"], async at => [await at.DeploymentAsync()]),
        [$"POST {Hibernation}"] = Api(["deployment.hibernation_overridden"], async at => [await at.SleeperAsync()], """{"isHibernating":true}"""),
        [$"DELETE {Hibernation}"] = Api(["deployment.hibernation_resumed"], async at => [await at.SleeperAsync()]),
        [$"POST {Tokens}"] = Api(["token.created"], _ => [], """{"name":"NEW","scope":"ORGANIZATION","type":"ORGANIZATION","role":"ORGANIZATION_MEMBER"}"""),
        [$"POST {Tokens}/{{tokenId}}"] = Api(["token.updated"], async at => [await at.TokenAsync()], """{"name":"NEW","description":""}"""),
        [$"POST {Tokens}/{{tokenId}}/roles"] = Api(["token.roles_changed"], async at => [await at.TokenAsync()],
            """{"roles":[{"entityType":"ORGANIZATION","entityId":"ORGANIZATIONID","role":"ORGANIZATION_BILLING_ADMIN"}]}"""),
        [$"POST {Tokens}/{{tokenId}}/rotate"] = Api(["token.rotated"], async at => [await at.TokenAsync()]),
        [$"DELETE {Tokens}/{{tokenId}}"] = Api(["token.deleted"], async at => [await at.TokenAsync()]),
        [$"POST {Deployments}/{{deploymentId}}/agent-tokens"] = Api(["agent_token.created"], async at => [await at.DeploymentAsync()], """{"name":"NEW"}"""),
        [$"DELETE {Deployments}/{{deploymentId}}/agent-tokens/{{agentTokenId}}"] = Api(["agent_token.deleted"], at => at.AgentTokenAsync()),
        ["POST /organizations/{organizationId}/users/{userId}/roles"] =
            Api(["user.roles_changed"], async at => [await at.CreateUserAsync()],
            """{"organizationRole":"ORGANIZATION_OWNER"}"""),
        [$"POST {Users}/status"] = Api(["user.deactivated"], async at => [await at.CreateUserAsync()], """{"status":"INACTIVE"}"""),
        [$"DELETE {Users}/sessions"] = Api(["user.sessions_ended"], async at => [await at.CreateUserAsync()]),
        [$"POST {Deploys}"] = Api(["deploy.created"], async at => [await at.DeploymentAsync()], """{"type":"IMAGE_AND_DAG"}"""),
        [$"POST {Deploys}/{{deployId}}"] = Api(["deploy.updated"], at => at.DeployAsync(isFinal: true), """{"description":"NEW"}"""),
        [$"POST {Deploys}/{{deployId}}/finalize"] = Api(["deploy.finalized"], at => at.DeployAsync(isFinal: false), """{"dagTarballVersion":""}"""),
        [$"POST {Deploys}/{{deployId}}/rollback"] = Api(["deploy.rolled_back"], at => at.DeployAsync(isFinal: true), """{"description":"back"}"""),
        [$"POST {Bundles}"] = Api(["bundle.created"], async at => [await at.DeploymentAsync()], """{"name":"new"}"""),
        [$"POST {Bundles}/{{bundleId}}"] = Api(["bundle.updated"], async at => (await at.BundleAsync())[..2], """{"description":"NEW"}"""),
        [$"DELETE {Bundles}/{{bundleId}}"] = Api(["bundle.deleted"], at => at.EmptyBundleAsync()),
        [$"POST {Bundles}/{{bundleId}}/rollback"] = new(["deploy.rolled_back"], async (at, path) =>
        {
            var values = await at.BundleAsync();
            return () => at.PostAsync(at.Fill(path, values[..2]), $$"""{"version":"{{values[2]}}"}""");
        }),
        [$"POST {Webhooks}"] = Api(["webhook.created"], _ => [], """{"name":"NEW","workspaceId":"WORKSPACE","url":"https://hooks.example.org/hidden-value"}"""),
        [$"POST {Webhooks}/{{webhookId}}"] = Api(["webhook.updated"], async at => [await at.WebhookAsync()],
            """{"name":"NEW","url":"https://hooks.example.org/hidden-value","eventTypes":["deploy.failed"]}"""),
        [$"DELETE {Webhooks}/{{webhookId}}"] = Api(["webhook.deleted"], async at => [await at.WebhookAsync()]),
        [$"POST {Webhooks}/{{webhookId}}/rotate"] = Api(["webhook.rotated"], async at => [await at.WebhookAsync()]),
        [$"POST {Webhooks}/{{webhookId}}/test"] = Api(["webhook.test"], async at => [await at.WebhookAsync()], "{}"),
        [$"POST {Webhooks}/{{webhookId}}/deliveries/{{deliveryId}}/redeliver"] =
            Api(["webhook.redelivered"], at => at.DeliveryAsync(), "{}"),
        ["POST /agent/v1/enrol"] = new(["agent.enrolled"], async (at, path) =>
        {
            var client = at.Server.ClientWith(await at.Server.CreateAgentTokenAsync(await at.DeploymentAsync()));
            return () => client.PostAsync(path,
                JsonRequests.Json($$"""{"instanceId":"{{EntityId.New(TimeProvider.System)}}","host":"h","component":"scheduler","agentVersion":"1"}"""), Cancelled);
        }),
        ["POST /oauth/token"] = new(["session.started"], async (at, path) =>
        {
            var (verifier, redirect) = (new string('v', 43), "http://localhost:12345/callback");
            var challenge = System.Buffers.Text.Base64Url.EncodeToString(SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(verifier)));
            await using var scope = at.Server.Services.CreateAsyncScope();
            var code = await scope.ServiceProvider.GetRequiredService<AuthorizationCodes>()
                .IssueAsync(new UserId(await at.CreateUserAsync()),
                new AuthorizationRequest(redirect, challenge, ""), Cancelled);
            return () => at.PostFormAsync(path, ("client_id", "updraft-cli"), ("grant_type", "authorization_code"), ("code", code),
                ("code_verifier", verifier), ("redirect_uri", redirect));
        }),
        ["POST /oauth/revoke"] = new(["session.ended"], async (at, path) =>
        {
            var (_, _, refresh) = await at.Server.AddUserAsync($"{EntityId.New(TimeProvider.System)}@example.org");
            return () => at.PostFormAsync(path, ("token", refresh));
        }),
        ["POST /signin"] = new(["session.started"], (at, _) =>
        {
            var visitor = new Visitor(at.Server);
            return Task.FromResult<Func<Task<HttpResponseMessage>>>(() => visitor.SignInAsync(at.Server.OwnerToken));
        }),
        ["POST /signout"] = Page(["session.ended"], _ => [], "/deployments"),
        ["POST /deployments/{deploymentId}/deploys/{deployId}/rollback"] =
            Page(["deploy.rolled_back"], at => at.DeployAsync(isFinal: true), null, ("description", "back")),
        ["POST /deployments/{deploymentId}/settings"] =
            Page(["deployment.updated"], async at => [await at.DeploymentAsync()], null, ("name", "NEW"), ("dagDeploys", "true")),
        ["POST /deployments/{deploymentId}/agent-tokens"] =
            Page(["agent_token.created"], async at => [await at.DeploymentAsync()], null, ("name", "NEW")),
        ["POST /deployments/{deploymentId}/agent-tokens/{agentTokenId}/revoke"] =
            Page(["agent_token.deleted"], at => at.AgentTokenAsync(), "/tokens"),
        ["POST /tokens"] = Page(["token.created"], _ => [], null, ("name", "NEW"), ("place", "ORGANIZATIONID"),
            ("role", "ORGANIZATION_MEMBER")),
        ["POST /tokens/{tokenId}/rotate"] = Page(["token.rotated"], async at => [await at.TokenAsync()], "/tokens"),
        ["POST /tokens/{tokenId}/revoke"] = Page(["token.deleted"], async at => [await at.TokenAsync()], "/tokens"),
        ["POST /webhooks"] = Page(["webhook.created"], _ => [], null, ("name", "NEW"), ("place", "WORKSPACEID"),
            ("url", "https://hooks.example.org/"),
            ("events", "deploy.failed"), ("format", "STANDARD")),
        ["POST /webhooks/{webhookId}"] =
            Page(["webhook.updated"], async at => [await at.WebhookAsync()], null, ("name", "NEW"), ("url", "https://hooks.example.org/"),
            ("events", "deploy.failed"), ("format", "SLACK"), ("enabled", "true")),
        ["POST /webhooks/{webhookId}/test"] = Page(["webhook.test"], async at => [await at.WebhookAsync()], "/webhooks"),
        ["POST /webhooks/{webhookId}/rotate"] = Page(["webhook.rotated"], async at => [await at.WebhookAsync()], "/webhooks"),
        ["POST /webhooks/{webhookId}/delete"] = Page(["webhook.deleted"], async at => [await at.WebhookAsync()], "/webhooks"),
        ["POST /webhooks/{webhookId}/deliveries/{deliveryId}/redeliver"] =
            Page(["webhook.redelivered"], at => at.DeliveryAsync(), "/webhooks"),
        ["POST /members/{userId}/status"] =
            Page(["user.deactivated"], async at => [await at.CreateUserAsync()], "/members", ("status", "INACTIVE")),
        ["POST /members/{userId}/sessions/end"] = Page(["user.sessions_ended"], async at => [await at.CreateUserAsync()], "/members"),
        ["POST /members/{userId}/role"] =
            Page(["user.roles_changed"], async at => [await at.CreateUserAsync()], "/members", ("role", "ORGANIZATION_OWNER")),
    };

    private UpdraftServer Server => server;

    private string Organization => server.OrganizationPath;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static string NewName => EntityId.New(TimeProvider.System);

    /// <summary>A URL with its parameters in order. The Organization is the server's.</summary>
    public string Fill(string path, IReadOnlyList<string> values)
    {
        var next = 0;
        return string.Join('/', path.Split('/').Select(segment => segment == "{organizationId}" ? server.OrganizationId
            : segment.StartsWith('{') ? values[next++] : segment));
    }

    private static Change Api(string[] types, Func<ChangingRoutes, Task<string[]>> prepare, string? body = null) =>
        new(types, async (at, path) =>
    {
        var values = await prepare(at);
        return () => body is null && !path.EndsWith("/rotate", StringComparison.Ordinal)
            ? at.Server.Client.DeleteAsync(at.Fill(path, values), Cancelled) : at.PostAsync(at.Fill(path, values), at.Say(body ?? "{}"));
    });

    private static Change Api(string[] types, Func<ChangingRoutes, string[]> prepare, string? body = null) =>
        Api(types, at => Task.FromResult(prepare(at)), body);

    private static Change Page(string[] types, Func<ChangingRoutes, Task<string[]>> prepare, string? form,
        params (string Name, string Value)[] fields) =>
        new(types, async (at, path) =>
        {
            var url = at.Fill(path, await prepare(at));
            var visitor = await Visitor.SignedInAsync(at.Server);
            return () => visitor.SendFormAsync(form ?? url, url, [.. fields.Select(field => (field.Name, at.Say(field.Value)))]);
        });

    private static Change Page(string[] types, Func<ChangingRoutes, string[]> prepare, string? form,
        params (string Name, string Value)[] fields) =>
        Page(types, at => Task.FromResult(prepare(at)), form, fields);

    private string Say(string text) =>
        text.Replace("NEW", NewName, StringComparison.Ordinal).Replace("ORGANIZATIONID", server.OrganizationId, StringComparison.Ordinal)
        .Replace("WORKSPACEID", server.WorkspaceId, StringComparison.Ordinal)
        .Replace("\"WORKSPACE\"", $"\"{server.WorkspaceId}\"", StringComparison.Ordinal);

    private Task<HttpResponseMessage> PostAsync(string path, string body) =>
        server.Client.PostAsync(path, JsonRequests.Json(body), Cancelled);

    private async Task<HttpResponseMessage> PostFormAsync(string path, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        return await server.Anonymous.PostAsync(path, form, Cancelled);
    }

    private Task<string> WorkspaceAsync() => server.CreateWorkspaceAsync(NewName);

    private Task<string> DeploymentAsync() => server.CreateDeploymentAsync(NewName);

    private async Task<string> SleeperAsync() => (await server.Client.PostOkAsync($"{Organization}/deployments",
        new JsonObject { ["name"] = NewName, ["workspaceId"] = server.WorkspaceId, ["isDagDeployEnabled"] = true,
            ["isDevelopmentMode"] = true })).Text("id");

    private async Task<string> TokenAsync() => (await server.Client.PostOkAsync($"{Organization}/tokens",
        new JsonObject { ["name"] = NewName, ["scope"] = "ORGANIZATION", ["role"] = "ORGANIZATION_MEMBER" })).Text("id");

    private async Task<string[]> AgentTokenAsync()
    {
        var deployment = await DeploymentAsync();
        return [deployment, (await server.Client.PostOkAsync($"{Organization}/deployments/{deployment}/agent-tokens",
            new JsonObject { ["name"] = "agent" })).Text("id")];
    }

    private async Task<string> WebhookAsync() => (await server.Client.PostOkAsync(WebhookSite.PathOf(server),
        new JsonObject { ["name"] = NewName, ["workspaceId"] = await WorkspaceAsync(), ["url"] = "https://hooks.example.org/" }))
            .Text("id");

    /// <summary>A webhook, and the delivery of its test event.</summary>
    private async Task<string[]> DeliveryAsync()
    {
        var webhook = await WebhookAsync();
        return [webhook, (await server.Client.PostOkAsync($"{WebhookSite.PathOf(server)}/{webhook}/test", new JsonObject())).Text("id")];
    }

    private async Task<string> CreateUserAsync() => (await server.AddUserAsync($"{NewName}@example.org")).UserId;

    private async Task<string[]> DeployAsync(bool isFinal)
    {
        var deployment = await DeploymentAsync();
        var deploys = $"{Organization}/deployments/{deployment}/deploys";
        var deploy = (await server.Client.PostOkAsync(deploys, new JsonObject { ["type"] = "IMAGE_AND_DAG" })).Text("id");
        if (isFinal)
            await server.Client.PostOkAsync($"{deploys}/{deploy}/finalize", new JsonObject { ["dagTarballVersion"] = "" });
        return [deployment, deploy];
    }

    /// <summary>Deployment, bundle and its version.</summary>
    private async Task<string[]> BundleAsync()
    {
        var site = await PageSite.CreateAsync(server);
        var (_, version) = await site.DeployAsync("first", ("dags/shop.py", "one\n"));
        var bundle = (await server.Client.GetOkAsync($"{Organization}/deployments/{site.Id}/bundles"))["bundles"]![0]!.AsObject()
            .Text("id");
        return [site.Id, bundle, version];
    }

    private async Task<string[]> EmptyBundleAsync()
    {
        var deployment = await DeploymentAsync();
        return [deployment, (await server.Client.PostOkAsync($"{Organization}/deployments/{deployment}/bundles",
            new JsonObject { ["name"] = "empty" })).Text("id")];
    }
}
