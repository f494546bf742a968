using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Updraft.Client;
using Updraft.Protocol.Api;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Contract;

/// <summary>The lengths that the description states are the server's own: each is taken in full, and one character more is refused by name.</summary>
public sealed class LimitTests(SharedServer shared) : IClassFixture<SharedServer>
{
    // Two UTF-16 units and four bytes, but one character.
    private const string OneCharacter = "\U0001F680";

    private int _number;

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Texts_may_be_as_long_as_described_and_no_longer()
    {
        var requests = await RequestsAsync();
        var limits = await LimitsAsync();
        Assert.Equal(requests.Keys.Order(StringComparer.Ordinal), limits.Select(limit => limit.Operation).Distinct().Order(StringComparer.Ordinal));
        var wrong = new List<string>();
        foreach (var (operation, field, max) in limits)
        {
            var (path, body) = requests[operation];
            foreach (var length in (int[])[max, max + 1])
            {
                var request = body(field);
                request[field] = Text(field, length);
                using var response = await Server.Client.PostAsync($"/v1/organizations/{Server.OrganizationId}{path}",
                    JsonRequests.Json(request.ToJsonString()), Cancelled);
                var answer = await response.Content.ReadAsStringAsync(Cancelled);
                var isRight = length > max
                    ? response.StatusCode == HttpStatusCode.BadRequest && answer.Contains($"'{field}'", StringComparison.Ordinal)
                    // A version of the full length is none that the bundle had, and that is what the server says.
                    : response.StatusCode == HttpStatusCode.OK || (field == "version" && answer.Contains("never had", StringComparison.Ordinal));
                if (!isRight)
                    wrong.Add($"{operation}.{field} of {length}: {(int)response.StatusCode} {answer}");
            }
        }
        Assert.True(wrong.Count == 0, "The description states another limit than the server has:\n" + string.Join('\n', wrong));
    }

    /// <summary>Every field of a request with a length, by the server's own description.</summary>
    private async Task<List<(string Operation, string Field, int Max)>> LimitsAsync()
    {
        var facts = ContractFacts.From(await Server.Anonymous.GetOkAsync("/openapi/v1.json"));
        return [.. from operation in facts["operations"]!.AsObject()
                   where operation.Value!["body"] is not null
                   from field in facts["schemas"]![ContractFacts.Reference(operation.Value!["body"])!]!["properties"]!.AsObject()
                   where field.Value!["maxLength"] is not null
                   select (operation.Key, field.Key, (int)field.Value!["maxLength"]!)];
    }

    /// <summary>How each operation is asked so that only the length can be wrong.</summary>
    private async Task<Dictionary<string, (string Path, Func<string, JsonObject> Body)>> RequestsAsync()
    {
        using var client = new UpdraftClient(Server.BaseAddress, Server.OwnerToken);
        var deployment = await Server.CreateDeploymentAsync("limits");
        var changed = await Server.CreateDeploymentAsync("changed");
        var workspace = await Server.CreateWorkspaceAsync("changed");
        var token = (await client.Tokens(Server.OrganizationId).CreateAsync(
            new CreateApiTokenRequest { Name = "changed", Scope = "ORGANIZATION", Role = "ORGANIZATION_MEMBER" }, Cancelled)).Id;
        var deploys = client.Deploys(Server.OrganizationId, deployment);
        var deploy = await deploys.CreateAsync(new CreateDeployRequest { Type = "DAG_ONLY" }, Cancelled);
        using var archive = new MemoryStream(UploadSite.Tar("one"));
        var version = await deploys.UploadAsync(deploy.DagsUploadUrl!, archive, cancellationToken: Cancelled);
        await deploys.FinalizeAsync(deploy.Id, new FinalizeDeployRequest { DagTarballVersion = version }, Cancelled);
        var bundle = (await client.Bundles(Server.OrganizationId, deployment).ListAsync(Cancelled).FirstAsync(row => row.IsDefault, Cancelled)).Id;
        var (home, bundles) = ($"/deployments/{deployment}", $"/deployments/{deployment}/bundles");
        return new(StringComparer.Ordinal)
        {
            ["CreateWorkspace"] = ("/workspaces", _ => new() { ["name"] = Next() }),
            ["UpdateWorkspace"] = ($"/workspaces/{workspace}", _ => new() { ["name"] = Next(), ["description"] = "", ["cicdEnforcedDefault"] = false }),
            ["UpdateOrganization"] = ("", _ => new() { ["name"] = "limits", ["billingEmail"] = "", ["isScimEnabled"] = false }),
            ["CreateDeployment"] = ("/deployments", _ => Settings()),
            ["UpdateDeployment"] = ($"/deployments/{changed}", _ => Settings()),
            ["CreateApiToken"] = ("/tokens", _ => new() { ["name"] = "limits", ["scope"] = "ORGANIZATION", ["role"] = "ORGANIZATION_MEMBER" }),
            ["UpdateApiToken"] = ($"/tokens/{token}", _ => new() { ["name"] = "limits" }),
            ["CreateAgentToken"] = ($"{home}/agent-tokens", _ => new() { ["name"] = "limits" }),
            ["CreateDeploy"] = ($"{home}/deploys", _ => new() { ["type"] = "DAG_ONLY" }),
            ["UpdateDeploy"] = ($"{home}/deploys/{deploy.Id}", _ => []),
            ["DeployRollback"] = ($"{home}/deploys/{deploy.Id}/rollback", _ => []),
            ["CreateBundle"] = (bundles, field => field == "nonDagBundleType"
                ? new() { ["nonDagMountPath"] = $"/usr/local/airflow/include/{Next()}" } : new() { ["name"] = Next() }),
            ["UpdateBundle"] = ($"{bundles}/{bundle}", _ => []),
            ["RollbackBundle"] = ($"{bundles}/{bundle}/rollback", _ => new() { ["version"] = version }),
        };
    }

    private JsonObject Settings() => new()
    {
        ["name"] = Next(),
        ["workspaceId"] = Server.WorkspaceId,
        ["type"] = "STANDARD",
        ["executor"] = "CELERY",
        ["schedulerSize"] = "SMALL",
        ["isDagDeployEnabled"] = true,
        ["isCicdEnforced"] = false,
        ["isHighAvailability"] = false,
        ["environmentVariables"] = new JsonArray(),
    };

    // Names are unique in many places, and some take plain letters only.
    private string Text(string field, int length) =>
        field == "description" ? string.Concat(Enumerable.Repeat(OneCharacter, length)) : Next().PadRight(length, 'x');

    private string Next() => (++_number).ToString(CultureInfo.InvariantCulture);
}
