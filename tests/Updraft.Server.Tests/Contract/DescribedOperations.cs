using System.Globalization;
using System.Text.Json.Nodes;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Contract;

/// <summary>One operation of a description, with a URL of objects that exist.</summary>
/// <param name="Id">The operation.</param>
/// <param name="Method">The method in upper case.</param>
/// <param name="Url">Path and prefix, with values for the parameters in the path.</param>
/// <param name="Node">The operation in the document.</param>
internal sealed record DescribedOperation(string Id, string Method, string Url, JsonNode Node)
{
    /// <summary>The parameters in the query.</summary>
    public IEnumerable<JsonNode> Query => (Node["parameters"]?.AsArray() ?? []).Select(parameter => parameter!)
        .Where(parameter => parameter["in"]!.ToString() == "query");
}

/// <summary>Reads the operations of both descriptions of a server, and creates the objects that their paths name.</summary>
internal static class DescribedOperations
{
    public static readonly string[] Documents = ["/openapi/v1.json", "/openapi/updraft-v1.json"];

    public static async Task<IReadOnlyList<DescribedOperation>> ReadAsync(UpdraftServer server)
    {
        var ids = await CreateObjectsAsync(server);
        var found = new List<DescribedOperation>();
        foreach (var path in Documents)
        {
            var document = await server.Anonymous.GetOkAsync(path);
            var prefix = new Uri(document["servers"]![0]!["url"]!.ToString()).AbsolutePath;
            foreach (var (template, item) in document["paths"]!.AsObject())
            {
                var url = prefix + string.Join('/', template.Split('/').Select(part =>
                    part.StartsWith('{') ? ids.GetValueOrDefault(part.Trim('{', '}'), "c00000000000000000unknown") : part));
                found.AddRange(item!.AsObject().Select(operation => new DescribedOperation(operation.Value!["operationId"]!.ToString(),
                    operation.Key.ToUpper(CultureInfo.InvariantCulture), url, operation.Value)));
            }
        }
        Assert.True(found.Count > 60);
        return found;
    }

    private static async Task<Dictionary<string, string>> CreateObjectsAsync(UpdraftServer server)
    {
        var deployment = await server.CreateDeploymentAsync($"described {EntityId.New(TimeProvider.System)}");
        var path = $"{server.OrganizationPath}/deployments/{deployment}";
        var deploy = (await server.Client.PostOkAsync($"{path}/deploys", new JsonObject { ["type"] = "DAG_ONLY" })).Text("id");
        return new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["organizationId"] = server.OrganizationId,
            ["workspaceId"] = server.WorkspaceId,
            ["deploymentId"] = deployment,
            ["deployId"] = deploy,
            ["clusterId"] = (await server.Client.GetOkAsync($"{server.OrganizationPath}/clusters"))["clusters"]![0]!["id"]!.ToString(),
            ["roleId"] = "WORKSPACE_OWNER",
        };
    }
}
