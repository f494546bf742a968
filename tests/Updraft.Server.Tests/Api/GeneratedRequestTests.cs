using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Api;

/// <summary>
/// Generated requests for every route, with valid and invalid parts. No response is a 5xx, and every error has exactly three fields.
/// <c>UPDRAFT_FUZZ_REQUESTS</c> sets their number (default 3,000), and <c>UPDRAFT_FUZZ_SEED</c> repeats a run.
/// </summary>
[Trait("Database", "any")]
public sealed class GeneratedRequestTests(ITestOutputHelper output)
{
    private const int PerSite = 250;

    private static readonly string[] Queries =
        ["limit", "offset", "sorts", "workspaceIds", "deploymentIds", "deployIds", "names", "search", "subjectId", "isDagBundle", "type",
            "includeSteps",
            "deployIdBefore", "deployIdAfter", "searchId", "from", "revision", "phase", "agentId", "epoch",
            "sources", "range", "searchText", "startDate", "endDate", "maxNumResults", "deploymentType", "executor", "cloudProvider",
            "provider",
            "service", "scope", "against", "bundle", "path", "view", "status", "person", "text", "below", "version", "returnTo",
            "workspace", "account", "comp", "blockid", "timeout", "se", "sp", "sr", "sv", "sig"];

    private static readonly JsonObject[] Bodies = [.. new[]
    {
        "{}",
        """{"name":"n","description":"d","cicdEnforcedDefault":true}""",
        """
        {"name":"n","workspaceId":"W","isDagDeployEnabled":true,"isCicdEnforced":false,"executor":"CELERY","schedulerSize":"SMALL","type":"STANDARD",
         "astroRuntimeVersion":"13.0.0","cloudProvider":"AWS","region":"r","defaultTaskPodCpu":"0.25","resourceQuotaMemory":"1Gi",
         "contactEmails":["a@b.c"],"environmentVariables":[{"key":"K","value":"v","isSecret":true}],
         "workerQueues":[{"name":"default","astroMachine":"A5","maxWorkerCount":3,"minWorkerCount":0,"workerConcurrency":5,"isDefault":true}],
         "scalingSpec":{"hibernationSpec":{"schedules":[{"hibernateAtCron":"0 1 * * *","wakeAtCron":"0 2 * * *","isEnabled":true}],
         "override":{"isHibernating":true,"overrideUntil":"2030-01-01T00:00:00Z"}}},"remoteExecution":{"enabled":false}}
        """,
        """
        {"type":"DAG_ONLY","description":"d","git":{"provider":"GITHUB","commitSha":"abc","account":"a","repo":"r","branch":"b","commitUrl":
         "https://x.example/c","authorName":"n","authorUsername":"u","authorUrl":"https://x.example/u","path":"p"}}
        """,
        """{"type":"BUNDLE","bundleType":"dbt","bundleMountPath":"/usr/local/airflow/dbt/x","description":"d"}""",
        """{"type":"DAG","dagBundleName":"finance","imageTag":"t","description":"d"}""",
        """{"type":"DEPLOY","isDagBundle":true,"name":"team","description":"d"}""",
        """{"type":"DEPLOY","isDagBundle":false,"nonDagMountPath":"/usr/local/airflow/x","nonDagBundleType":"dbt","dagBundleIds":["c"]}""",
        """{"version":"V","description":"d"}""",
        """
        {"name":"n","workspaceId":"W","isDagDeployEnabled":true,"isCicdEnforced":false,"executor":"KUBERNETES","type":"HYBRID","description":"d",
         "scheduler":{"au":5,"replicas":1},"taskPodNodePoolId":"p","environmentVariables":[],"workloadIdentity":"i","workerQueues":[{"name":"default",
         "nodePoolId":"p","maxWorkerCount":3,"minWorkerCount":0,"workerConcurrency":5,"isDefault":true}],"remoteExecution":{"enabled":true,
         "allowedIpAddressRanges":["10.0.0.0/8"],"taskLogBucket":"b"}}
        """,
        """{"name":"n","billingEmail":"a@b.c","isScimEnabled":false,"hasAiFeaturesDisabled":true}""",
        """{"isHibernating":true,"overrideUntil":"2075-01-01T00:00:00Z"}""",
        """{"dagTarballVersion":"V","bundleTarballVersion":"V"}""",
        """{"name":"t","scope":"WORKSPACE","role":"WORKSPACE_OWNER","entityId":"W","description":"d","tokenExpiryPeriodInDays":30,"kind":"STANDARD"}""",
        """{"name":"t","tokenExpiryPeriodInDays":30}""",
        """{"name":"t","type":"WORKSPACE","role":"WORKSPACE_MEMBER","entityId":"W"}""",
        """{"roles":[{"entityType":"WORKSPACE","entityId":"W","role":"WORKSPACE_MEMBER"}]}""",
        """{"organizationRole":"ORGANIZATION_MEMBER","workspaceRoles":[{"workspaceId":"W","role":"WORKSPACE_MEMBER"}],"deploymentRoles":[]}""",
        """{"name":"n","workspaceId":"W","deploymentId":null,"url":"https://hooks.example.org/","eventTypes":["deploy.finalized"],"format":"SLACK","isEnabled":true}""",
        """{"instanceId":"i","host":"h","component":"c","agentVersion":"0.1.0"}""",
        """
        {"agentId":"c0000000000000000000agent","epoch":1,"revision":1,"phase":"ACTIVE","activeRevision":1,"mounts":[{"path":"/x","version":"V",
         "manifest":"0000000000000000000000000000000000000000000000000000000000000000"}],"message":"m","fetchedBytes":1,"milliseconds":1.5}
        """,
    }.Select(text => JsonNode.Parse(text)!.AsObject())];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Generated_requests_never_fail_and_errors_have_one_shape()
    {
        var count = Setting("UPDRAFT_FUZZ_REQUESTS", 3000);
        var seed = Setting("UPDRAFT_FUZZ_SEED", Random.Shared.Next());
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Agents:MaxWait"] = "00:00:01",
            ["Logging:LogLevel:Default"] = "Error",
        });
        var (_, _, outsider) = await server.AddOrganizationAsync("other");
        var clock = Stopwatch.StartNew();
        var statuses = new SortedDictionary<int, int>();
        var failures = new List<string>();

        async Task WorkAsync(int worker)
        {
            var random = new Random(unchecked(seed + worker));
            for (var i = worker * PerSite; i < count; i += 4 * PerSite)
                await RunSiteAsync(server, outsider, random, Math.Min(PerSite, count - i), statuses, failures);
        }
        await Task.WhenAll(Enumerable.Range(0, 4).Select(WorkAsync));

        output.WriteLine($"{count} requests with seed {seed}: {clock.Elapsed.TotalSeconds:0.0} s; "
            + string.Join(", ", statuses.Select(pair => $"{pair.Value} x {pair.Key}")));
        Assert.True(failures.Count == 0, $"Seed {seed}, {failures.Count} failures:\n" + string.Join('\n', failures.Take(20)));
        Assert.True(statuses.GetValueOrDefault(200) > count / 20, "Only a few requests were valid, so the generator tests almost nothing.");
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    // A new Deployment after some requests, because a generated request may delete it.
    private static async Task RunSiteAsync(UpdraftServer server, string outsider, Random random, int count,
        SortedDictionary<int, int> statuses, List<string> failures)
    {
        var values = new GeneratedValues(random);
        var upload = await UploadSite.CreateAsync(server);
        var version = await upload.UploadAsync(UploadSite.Tar($"# {upload.DeployId}"));
        await upload.FinalizeAsync(version);
        var open = await UploadSite.CreateAsync(server, upload.DeploymentId);
        var workspace = await server.CreateWorkspaceAsync($"fuzz {upload.DeployId}");
        var disposable = await server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", upload.DeploymentId);
        var bundles = $"{server.OrganizationPath}/deployments/{upload.DeploymentId}/bundles";
        var main = (await server.Client.GetOkAsync(bundles))["bundles"]![0]!.AsObject().Text("id");
        var finance = await server.Client.PostOkAsync(bundles, new JsonObject { ["name"] = "finance" });
        var (user, access, _) = await server.AddUserAsync($"{upload.DeployId}@example.org");
        var blobs = await UploadSite.BlobsAsync(server, upload.DeploymentId);
        var webhook = (await server.Client.PostOkAsync(WebhookSite.PathOf(server),
            new JsonObject { ["name"] = "fuzz", ["workspaceId"] = workspace, ["url"] = "https://hooks.example.org/" })).Text("id");
        var delivery = (await server.Client.PostOkAsync($"{WebhookSite.PathOf(server)}/{webhook}/test", new JsonObject())).Text("id");
        var known = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["organizationId"] = server.OrganizationId,
            ["workspaceId"] = values.Pick(server.WorkspaceId, workspace),
            ["deploymentId"] = upload.DeploymentId,
            ["deployId"] = values.Pick(upload.DeployId, open.DeployId),
            ["tokenId"] = Jwt.Claims(disposable).Text("sub"),
            ["bundleId"] = values.Pick(main, finance.Text("id")),
            ["stepId"] = values.Pick("created", "uploaded", "finalized"),
            ["agentTokenId"] = Jwt.Claims(disposable).Text("sub"),
            ["document?"] = "updraft-v1",
            ["path"] = values.Pick("", "a/b/manifests/c", "a/b/blobs/uploads/"),
            ["userId"] = user,
            ["roleId"] = "WORKSPACE_MEMBER",
            ["webhookId"] = webhook,
            ["deliveryId"] = delivery,
            ["version"] = version,
            ["name"] = "updraft.css",
            ["rest"] = "overview",
            ["purpose"] = "dags",
            ["manifest"] = Path.GetFileName(blobs.First(path => path.Contains("/manifests/", StringComparison.Ordinal))),
            ["packId"] = Path.GetFileName(blobs.First(path => path.Contains("/packs/", StringComparison.Ordinal))),
            ["clusterId"] = Updraft.Server.Clusters.Cluster.IdOf(new(server.OrganizationId)),
            ["W"] = server.WorkspaceId,
            ["V"] = version,
            ["uploadQuery"] = new Uri(open.Url).Query,
        };
        string?[] tokens =
        [
            server.OwnerToken, server.OwnerToken, server.OwnerToken, disposable, await server.CreateAgentTokenAsync(upload.DeploymentId),
            await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", server.WorkspaceId),
            await server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_MEMBER"), outsider, access, "garbage", null,
        ];
        var routes = server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToArray();
        for (var i = 0; i < count; i++)
        {
            var route = routes[random.Next(routes.Length)];
            using var request = Make(server, values, random, route, known);
            if (tokens[random.Next(tokens.Length)] is { } token)
                request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
            using var response = await server.Anonymous.SendAsync(request, Cancelled);
            var problem = await FindProblemAsync(route, request, response);
            lock (statuses)
            {
                statuses[(int)response.StatusCode] = statuses.GetValueOrDefault((int)response.StatusCode) + 1;
                if (problem is not null)
                    failures.Add(problem);
            }
        }
    }

    private static HttpRequestMessage Make(UpdraftServer server, GeneratedValues values, Random random, RouteEndpoint route,
        Dictionary<string, string> known)
    {
        var path = string.Join('/', ("/" + route.RoutePattern.RawText!.TrimStart('/')).Split('/').Select(segment =>
            segment is ['{', .., '}'] && segment.Trim('{', '}', '*').Split(':')[0] is var name
                ? values.Chance(85) ? known[name] : values.InUrl()
                : segment));
        var isUpload = path.StartsWith("/uploads", StringComparison.Ordinal);
        var query = isUpload && values.Chance(70) ? known["uploadQuery"] : "";
        for (var times = random.Next(3); times > 0; times--)
        {
            var value = values.Chance(40) ? values.Pick("1", "20", "1000", "name:asc", "createdAt:desc", known["deploymentId"], "ACTIVATE")
                : values.InUrl();
            query += $"{(query.Length == 0 ? '?' : '&')}{(values.Chance(95) ? values.Pick(Queries) : values.InUrl())}={value}";
        }
        var methods = route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["PUT"];
        var method = values.Chance(85)
            ? methods[0] : values.Pick("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW");
        var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"{server.BaseAddress.ToString().TrimEnd('/')}{path}{query}",
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        if (method is "POST" or "PUT" or "PATCH" || values.Chance(5))
        {
            var body = isUpload ? values.Chance(50) ? UploadSite.Tar("one") : values.Garbage(random.Next(2000))
                : values.Mutate(Fill(Bodies[random.Next(Bodies.Length)], known));
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.TryAddWithoutValidation("Content-Type",
                values.Chance(90) ? "application/json"
                    : values.Pick("text/plain", "application/xml", "multipart/form-data", "*/*", "application/json; charset=utf-16"));
            if (values.Chance(5))
                request.Headers.TransferEncodingChunked = true;
        }
        if (isUpload && values.Chance(70))
            request.Headers.TryAddWithoutValidation("x-ms-blob-type", values.Pick("BlockBlob", "BlockBlob", "PageBlob", "\"", ""));
        if (values.Chance(15))
            request.Headers.TryAddWithoutValidation("Range",
                values.Pick("bytes=0-", "bytes=999999-", "bytes=-0", "bytes=5-1", "x=1", "bytes=0-1,3-4"));
        if (values.Chance(15))
            request.Headers.TryAddWithoutValidation(values.Pick("Accept", "Accept-Encoding", "If-None-Match", "If-Match", "X-Request-Id",
                "x-ms-version",
                "Content-MD5", "Expect-CT", "Cookie", "X-Forwarded-For", "Accept-Language", "If-Range", "If-Modified-Since"),
                values.Pick("application/xml", "gzip;q=0", "*", "\"x\"", "a b", ";;;", "br;q=x", "2024-99-99", "=", "%00"));
        return request;
    }

    private static JsonObject Fill(JsonObject body, Dictionary<string, string> known) =>
        JsonNode.Parse(body.ToJsonString().Replace("\"W\"", $"\"{known["W"]}\"", StringComparison.Ordinal)
            .Replace("\"V\"", $"\"{known["V"]}\"", StringComparison.Ordinal))!.AsObject();

    private static async Task<string?> FindProblemAsync(RouteEndpoint route, HttpRequestMessage request, HttpResponseMessage response)
    {
        var (status, text) = ((int)response.StatusCode, await response.Content.ReadAsStringAsync(Cancelled));
        var where = $"{request} BODY {await ShowAsync(request)} GOT {status} {response.Content.Headers.ContentType}: {text}";
        if (status >= 500)
            return where;
        if (response.Headers.Contains("X-Injected") || response.Content.Headers.Contains("X-Injected"))
            return "Injected header: " + where;
        if (status < 400 || request.Method == HttpMethod.Head)
            return null;
        // The web server itself rejects requests that are not HTTP, such as %00 in the path, with an empty response.
        if (text.Length == 0 && !response.Headers.Contains("x-request-id")
            && ((status == 400 && request.RequestUri!.AbsolutePath.Contains("%00", StringComparison.Ordinal))
                || (status == 414 && request.RequestUri!.PathAndQuery.Length > 8000)))
            return null;
        var acceptsXml = request.RequestUri!.AbsolutePath.StartsWith("/uploads", StringComparison.OrdinalIgnoreCase)
            && request.Headers.Accept.Any(type => type.MediaType == "application/xml");
        if (acceptsXml && text.StartsWith("<?xml", StringComparison.Ordinal))
            return null;
        // The login responds with pages to browsers, and in the shape of OAuth to the CLI. Registry clients have their own shape.
        if (request.RequestUri!.AbsolutePath.StartsWith("/authorize", StringComparison.OrdinalIgnoreCase)
            || request.RequestUri!.AbsolutePath.StartsWith("/oauth/", StringComparison.OrdinalIgnoreCase)
            || request.RequestUri!.AbsolutePath.StartsWith("/registry/", StringComparison.OrdinalIgnoreCase)
            || request.RequestUri!.AbsolutePath.StartsWith("/v2/", StringComparison.OrdinalIgnoreCase))
            return null;
        // The web UI responds with pages.
        if (route.Metadata.GetMetadata<Updraft.Server.Web.PageRoute>() is not null
            && text.StartsWith("<!DOCTYPE html>", StringComparison.Ordinal))
            return null;
        try
        {
            using var error = JsonDocument.Parse(text);
            var keys = string.Join(' ', error.RootElement.EnumerateObject().Select(field => field.Name).Order(StringComparer.Ordinal));
            var isWhole = keys == "message requestId statusCode" && error.RootElement.GetProperty("statusCode").GetInt32() == status
                && error.RootElement.GetProperty("message").GetString() is { Length: > 0 }
                && MediaTypeHeaderValue.Parse("application/json; charset=utf-8").Equals(response.Content.Headers.ContentType);
            return isWhole ? null : "Another shape: " + where;
        }
        catch (JsonException)
        {
            return "No JSON: " + where;
        }
    }

    private static async Task<string> ShowAsync(HttpRequestMessage request) => request.Content is null ? "none"
        : Convert.ToHexString((await request.Content.ReadAsByteArrayAsync(Cancelled)).AsSpan(0, Math.Min(300,
            (int)(request.Content.Headers.ContentLength ?? 0))));
}
