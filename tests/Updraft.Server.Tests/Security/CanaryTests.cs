using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Security;

/// <summary>
/// Each scope has texts that occur nowhere else. Each caller calls each route with each mixture of IDs, their own and others'. No response,
/// including its headers, contains a text of a scope that the caller may not see.
/// </summary>
[Trait("Runs", "ci")] // Sends tens of thousands of requests.
[Trait("Database", "any")]
public sealed class CanaryTests
{
    private const string Unknown = "c00000000000000000unknown";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Responses_contain_no_data_of_hidden_scopes()
    {
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Agents:MaxWait"] = "00:00:01",
        });
        var (otherOrganization, otherWorkspace, otherToken) = await server.AddOrganizationAsync("canary-other-organization");
        var secondWorkspace = await server.CreateWorkspaceAsync("canary-second-workspace");
        var home = new Place(server, server.Client, server.OrganizationId);
        Site[] sites =
        [
            await home.CreateAsync("first-one", server.WorkspaceId), await home.CreateAsync("first-two", server.WorkspaceId),
            await home.CreateAsync("second-one", secondWorkspace),
            await new Place(server, server.ClientWith(otherToken), otherOrganization).CreateAsync("other-one", otherWorkspace),
        ];
        (string Name, string Token, string[] Hidden)[] callers =
        [
            ("organization owner", server.OwnerToken, ["canary-other"]),
            ("organization member", await server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_MEMBER"),
                ["canary-other", "canary-first-", "canary-second-one"]),
            ("other owner", otherToken, ["canary-first", "canary-second"]),
            ("first workspace's owner", await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", server.WorkspaceId),
                ["canary-other", "canary-second"]),
            ("second workspace's member", await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", secondWorkspace),
                ["canary-other", "canary-first"]),
            ("first deployment's admin", await server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", sites[0].Ids["deploymentId"]),
                ["canary-other", "canary-second", "canary-first-two"]),
            ("second deployment's agent", sites[1].AgentToken, ["canary-other", "canary-second", "canary-first-one"]),
            ("no token", "", ["canary-"]),
            ("garbage", "garbage", ["canary-"]),
        ];
        var routes = server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToList();
        var (responses, seen, leaks) = (0, 0, new List<string>());
        foreach (var (name, token, hidden) in callers)
        {
            var client = token.Length == 0 ? server.Anonymous : server.ClientWith(token);
            foreach (var (method, path) in routes.SelectMany(route => Requests(route, sites)).Distinct())
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), path);
                if (method == "POST")
                    request.Content = JsonRequests.Json($$"""{"workspaceId":"{{otherWorkspace}}","entityId":"{{sites[3].Ids["deploymentId"]}}"}""");
                using var response = await client.SendAsync(request, Cancelled);
                var reply = $"{response.Headers}{response.Content.Headers}"
                    + Encoding.Latin1.GetString(await response.Content.ReadAsByteArrayAsync(Cancelled));
                responses++;
                seen += reply.Contains("canary-", StringComparison.Ordinal) ? 1 : 0;
                if (hidden.FirstOrDefault(text => reply.Contains(text, StringComparison.Ordinal)) is { } leak)
                    leaks.Add($"{name}: {method} {path} has {leak}: {reply}");
                if ((int)response.StatusCode >= 500)
                    leaks.Add($"{name}: {method} {path} got {(int)response.StatusCode}");
            }
        }
        Assert.True(leaks.Count == 0, $"{leaks.Count} of {responses} responses:\n" + string.Join('\n', leaks.Take(10)));
        Assert.True(seen > 100, $"Only {seen} of {responses} responses contained a canary, so the test checks nothing.");
    }

    [Fact]
    public async Task Lists_count_only_visible_rows()
    {
        await using var server = await UpdraftServer.StartAsync();
        var second = await server.CreateWorkspaceAsync("second");
        for (var i = 0; i < 5; i++)
            await server.CreateDeploymentAsync($"hidden {i}", second);
        await server.CreateDeploymentAsync("seen");
        var member = server.ClientWith(await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", server.WorkspaceId));
        foreach (var query in (string[])["", "?limit=1", "?offset=1", "?sorts=name:desc", $"?workspaceIds={second}",
            $"?workspaceIds={second}&workspaceIds={server.WorkspaceId}"])
        {
            var list = await member.GetOkAsync($"{server.OrganizationPath}/deployments{query}");
            Assert.True((int)list["totalCount"]! <= 1, $"{query} counts {list["totalCount"]}");
            Assert.DoesNotContain("hidden", list.ToJsonString(), StringComparison.Ordinal);
        }
    }

    // GET with every mixture of the sites' IDs. Changes only with an ID that is unknown or belongs to another site.
    private static IEnumerable<(string Method, string Path)> Requests(RouteEndpoint route, Site[] sites)
    {
        var pattern = "/" + route.RoutePattern.RawText!.TrimStart('/');
        var names = route.RoutePattern.Parameters.Select(parameter => parameter.Name).ToList();
        foreach (var method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"])
        {
            IEnumerable<Dictionary<string, string>> mixtures = [[]];
            foreach (var name in names)
            {
                var choices = sites.Select(site => site.Ids.GetValueOrDefault(name, Unknown)).Distinct(StringComparer.Ordinal).ToList();
                mixtures = mixtures.SelectMany(mixture =>
                    choices.Select(choice => new Dictionary<string, string>(mixture) { [name] = choice })).ToList();
            }
            foreach (var mixture in mixtures)
            {
                if (method is "DELETE" or "PUT" && !IsMixed(mixture, sites))
                    continue;
                var path = mixture.Aggregate(pattern, (text, pair) =>
                    text.Replace($"{{{pair.Key}}}", pair.Value, StringComparison.Ordinal));
                yield return (method, path);
                if (method == "GET")
                    yield return (method, path
                        + $"?limit=1000&sorts=name:asc&workspaceIds={sites[3].Ids["workspaceId"]}&deploymentIds={sites[3].Ids["deploymentId"]}&from={sites[3].Ids.GetValueOrDefault("manifest")}");
            }
        }
    }

    private static bool IsMixed(Dictionary<string, string> mixture, Site[] sites) =>
        !sites.Any(site => mixture.All(pair => site.Ids.GetValueOrDefault(pair.Key, Unknown) == pair.Value));

    private sealed record Site(Dictionary<string, string> Ids, string AgentToken);

    private sealed record Place(UpdraftServer Server, HttpClient Owner, string Organization)
    {
        private string Path => $"/v1/organizations/{Organization}";

        /// <summary>A Deployment whose texts all contain <c>canary-NAME</c>.</summary>
        public async Task<Site> CreateAsync(string name, string workspace)
        {
            var canary = $"canary-{name}";
            var deployment = (await Owner.PostOkAsync($"{Path}/deployments", new JsonObject
            {
                ["name"] = $"{canary}-deployment",
                ["description"] = $"{canary}-description",
                ["workspaceId"] = workspace,
                ["isDagDeployEnabled"] = true,
                ["contactEmails"] = new JsonArray($"{canary}@example.org"),
                ["environmentVariables"] = new JsonArray(new JsonObject { ["key"] = "K", ["value"] = $"{canary}-variable" }),
            })).Text("id");
            var deploy = await Owner.PostOkAsync($"{Path}/deployments/{deployment}/deploys", new JsonObject
            {
                ["type"] = "DAG_ONLY",
                ["description"] = $"{canary}-deploy",
                ["git"] = new JsonObject
                {
                    ["provider"] = "GITHUB",
                    ["commitSha"] = $"{canary}-sha",
                    ["account"] = $"{canary}-account",
                    ["repo"] = $"{canary}-repo",
                    ["branch"] = $"{canary}-branch",
                    ["authorName"] = $"{canary}-author",
                    ["commitUrl"] = $"https://example.org/{canary}",
                },
            });
            using var upload = new HttpRequestMessage(HttpMethod.Put, deploy.Text("dagsUploadUrl"));
            upload.Content = new ByteArrayContent(new TarBuilder().File($"dags/{canary}-file.py", $"# {canary}-content").ToArray());
            upload.Headers.Add("x-ms-blob-type", "BlockBlob");
            using var uploaded = await Server.Anonymous.SendAsync(upload, Cancelled);
            var version = await UploadSite.VersionOfAsync(uploaded);
            await Owner.PostOkAsync($"{Path}/deployments/{deployment}/deploys/{deploy.Text("id")}/finalize",
                new JsonObject { ["dagTarballVersion"] = version });
            var made = await Owner.PostOkAsync($"{Path}/deployments/{deployment}/agent-tokens",
                new JsonObject { ["name"] = $"{canary}-agents", ["description"] = $"{canary}-agents" });
            var token = await Owner.PostOkAsync($"{Path}/tokens", new JsonObject
            {
                ["name"] = $"{canary}-token",
                ["scope"] = "DEPLOYMENT",
                ["role"] = "DEPLOYMENT_ADMIN",
                ["entityId"] = deployment,
            });
            var blobs = await UploadSite.BlobsAsync(Server, deployment);
            return new Site(new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["organizationId"] = Organization,
                ["workspaceId"] = workspace,
                ["deploymentId"] = deployment,
                ["deployId"] = deploy.Text("id"),
                ["tokenId"] = token.Text("id"),
                ["agentTokenId"] = token.Text("id"),
                ["purpose"] = "dags",
                ["manifest"] = System.IO.Path.GetFileName(blobs.First(path => path.Contains("/manifests/", StringComparison.Ordinal))),
                ["packId"] = System.IO.Path.GetFileName(blobs.First(path => path.Contains("/packs/", StringComparison.Ordinal))),
            }, made.Text("token"));
        }
    }
}
