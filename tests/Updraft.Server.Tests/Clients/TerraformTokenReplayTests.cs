using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Clients;

/// <summary>
/// What the Terraform provider sends for <c>astro_api_token</c> and its data sources. After each step it reads the token again and fails
/// when anything configured comes back different.
/// </summary>
public sealed class TerraformTokenReplayTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private string Tokens => $"/iam/v1beta1/organizations/{Server.OrganizationId}/tokens";

    private string Platform => $"/platform/v1beta1/organizations/{Server.OrganizationId}";

    [Theory]
    [InlineData("ORGANIZATION", "ORGANIZATION_OWNER", "ORGANIZATION_MEMBER")]
    [InlineData("WORKSPACE", "WORKSPACE_OWNER", "WORKSPACE_MEMBER")]
    [InlineData("DEPLOYMENT", "DEPLOYMENT_ADMIN", "DEPLOYMENT_ADMIN")]
    public async Task Token(string type, string role, string later)
    {
        var requests = 0;
        var workspace = await Server.CreateWorkspaceAsync(Unique());
        var deployment = await Server.CreateDeploymentAsync(Unique(), workspace);
        var home = type switch { "ORGANIZATION" => Server.OrganizationId, "WORKSPACE" => workspace, _ => deployment };
        // Roles of other levels beside the one that makes the token what it is.
        JsonObject[] Roles(string first) => type switch
        {
            "ORGANIZATION" => [Role(type, home, first), Role("WORKSPACE", workspace, "WORKSPACE_OWNER"), Role("DEPLOYMENT", deployment, "DEPLOYMENT_ADMIN")],
            "WORKSPACE" => [Role(type, home, first), Role("DEPLOYMENT", deployment, "DEPLOYMENT_ADMIN")],
            _ => [Role(type, home, first)],
        };
        async Task<JsonObject> PostAsync(string path, JsonObject body)
        {
            requests++;
            return await Server.Client.PostOkAsync(path, body);
        }
        async Task<JsonObject> GetAsync(string path)
        {
            requests++;
            return await Server.Client.GetOkAsync(path);
        }

        // Whether the roles' places exist is looked up first.
        Assert.Equal(1, (await GetAsync($"{Platform}/workspaces?limit=1000&offset=0&workspaceIds={workspace}"))["totalCount"]!.GetValue<int>());
        Assert.Equal(1, (await GetAsync($"{Platform}/deployments?deploymentIds={deployment}&limit=1000&offset=0"))["totalCount"]!.GetValue<int>());
        var create = new JsonObject { ["description"] = "by terraform", ["name"] = "tf", ["role"] = role, ["tokenExpiryPeriodInDays"] = 30, ["type"] = type };
        if (type != "ORGANIZATION")
            create["entityId"] = home;
        var created = await PostAsync(Tokens, create);
        var (id, token) = (created.Text("id"), created.Text("token"));
        if (Roles(role).Length > 1)
            await PostAsync($"{Tokens}/{id}/roles", new JsonObject { ["roles"] = new JsonArray([.. Roles(role)]) });
        Check(await GetAsync($"{Tokens}/{id}"), type, "tf", "by terraform", Roles(role));
        Show("create", requests, created.Text("shortToken"));

        requests = 0;
        Check(await GetAsync($"{Tokens}/{id}"), type, "tf", "by terraform", Roles(role));
        Show("read", requests, "as configured");

        requests = 0;
        await PostAsync($"{Tokens}/{id}/roles", new JsonObject { ["roles"] = new JsonArray([.. Roles(later)]) });
        await PostAsync($"{Tokens}/{id}", new JsonObject { ["description"] = "", ["name"] = "tf 2" });
        Check(await GetAsync($"{Tokens}/{id}"), type, "tf 2", "", Roles(later));
        Show("update", requests, "as configured");
        // The token itself is kept in the state, so it is still the same one.
        await Server.ClientWith(token).GetOkAsync("/v1/organizations");

        foreach (var filter in (string[])["", type == "ORGANIZATION" ? "&includeOnlyOrganizationTokens=true" : "", $"&workspaceId={workspace}", $"&deploymentId={deployment}"])
        {
            var list = await Server.Client.GetOkAsync($"{Tokens}?limit=1000&offset=0{filter}");
            list["totalCount"]!.GetValue<int>();
            if (filter.Length == 0 || filter.Contains("Only", StringComparison.Ordinal) || filter.Contains(home, StringComparison.Ordinal))
                Check(list["tokens"]!.AsArray().Single(one => one!["id"]!.GetValue<string>() == id)!.AsObject(), type, "tf 2", "", Roles(later));
        }
        ReplayTable.Show("terraform data astro_api_tokens", 1, "as configured");

        using var deletion = await Server.Client.DeleteAsync($"{Tokens}/{id}", TestContext.Current.CancellationToken);
        using var again = await Server.Client.DeleteAsync($"{Tokens}/{id}", TestContext.Current.CancellationToken);
        using var read = await Server.Client.GetAsync($"{Tokens}/{id}", TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NotFound, HttpStatusCode.NotFound), (deletion.StatusCode, again.StatusCode, read.StatusCode));
        Show("delete", 1, "204, then 404");

        void Show(string step, int count, string result) => ReplayTable.Show($"terraform astro_api_token {step}", count, $"{type}: {result}");
    }

    private static JsonObject Role(string type, string id, string role) => new() { ["entityId"] = id, ["entityType"] = type, ["role"] = role };

    private static void Check(JsonObject token, string type, string name, string description, JsonObject[] roles)
    {
        Assert.Equal((name, description, type, "STANDARD", 30),
            (token.Text("name"), token.Text("description"), token.Text("type"), token.Text("kind"), token["expiryPeriodInDays"]!.GetValue<int>()));
        foreach (var time in (string[])["startAt", "endAt", "createdAt", "updatedAt"])
            DateTimeOffset.Parse(token.Text(time), CultureInfo.InvariantCulture);
        Assert.NotEmpty(token.Text("shortToken"));
        Assert.False(token.ContainsKey("token"));
        foreach (var who in (string[])["createdBy", "updatedBy"])
            Assert.NotEmpty(token[who]!.AsObject().Text("id"));
        // A set: the order does not matter.
        Assert.Equal(roles.Select(Line).Order(StringComparer.Ordinal), token["roles"]!.AsArray().Select(role => Line(role!.AsObject())).Order(StringComparer.Ordinal));
    }

    private static string Line(JsonObject role) => $"{role.Text("entityType")} {role.Text("entityId")} {role.Text("role")}";

    private static string Unique() => EntityId.New(TimeProvider.System);
}
