using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Npgsql;

namespace Updraft.Server.Tests.Replicas;

/// <summary>
/// Fault catalog row X10: the connection to PostgreSQL can break after any message. The client then receives 503, repeats the request, and
/// succeeds.
/// </summary>
public sealed class BrokenConnectionTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    /// <summary>Messages between two breaks. With 1, the test covers every message, and takes minutes.</summary>
    private static long Step => long.Parse(
        Environment.GetEnvironmentVariable("UPDRAFT_CUT_STEP") is { Length: > 0 } text ? text : "19", CultureInfo.InvariantCulture);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("catalog", "X10")]
    public async Task Request_whose_connection_breaks_is_a_503_and_its_repetition_succeeds()
    {
        await using var database = await cluster.CreateDatabaseAsync();
        await using var relay = new CutRelay(new NpgsqlConnectionStringBuilder(database.ConnectionString).Host!);
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Database:ConnectionString"] = new NpgsqlConnectionStringBuilder(database.ConnectionString)
            {
                Host = "127.0.0.1",
                Port = relay.Port,
                // The first bytes of TLS and GSS are not messages.
                SslMode = SslMode.Disable,
                GssEncryptionMode = GssEncryptionMode.Disable,
            }.ConnectionString,
        };
        await using var server = await UpdraftServer.StartAsync(settings: settings);
        var deployment = await server.CreateDeploymentAsync();
        var deploys = $"{server.OrganizationPath}/deployments/{deployment}/deploys";
        await DeployAsync(server, deploys, "warm");
        var cuts = 0;
        for (long messages = 0; ; messages += Step)
        {
            relay.CutAfter(messages);
            await DeployAsync(server, deploys, $"deploy {messages}");
            if (relay.Cuts == cuts)
                break;
            cuts = relay.Cuts;
        }
        relay.CutAfter(long.MaxValue);
        Assert.True(cuts > 20, $"The relay broke only {cuts} connections.");
    }

    /// <summary>Sends all requests of a client for a deploy, and repeats each one while the response is 503.</summary>
    private static async Task DeployAsync(UpdraftServer server, string deploys, string description)
    {
        var made = await RetryAsync(server, () => server.Client.PostAsync(deploys,
            JsonRequests.Json($$"""{"type":"DAG_ONLY","description":"{{description}}"}"""), Cancelled));
        var (id, version) = ((await made.ReadAsync(HttpStatusCode.OK)).Text("id"), "");
        var url = new Uri((await GetAsync(server, $"{deploys}/{id}")).Text("dagsUploadUrl"));
        var archive = new TarBuilder().File("dags/a.py", description).ToArray();
        using (var uploaded = await RetryAsync(server, () => UploadAsync(server, url, archive)))
            version = uploaded.Headers.GetValues("x-ms-version-id").Single();
        using var finalized = await RetryAsync(server, () => server.Client.PostAsync($"{deploys}/{id}/finalize",
            JsonRequests.Json($$"""{"dagTarballVersion":"{{version}}"}"""), Cancelled));
        var shown = await GetAsync(server, $"{deploys}/{id}");
        Assert.Equal("DEPLOYED", shown.Text("status"));
        using var back = await RetryAsync(
            server, () => server.Client.PostAsync($"{deploys}/{id}/rollback", JsonRequests.Json("{}"), Cancelled));
        using var listed = await RetryAsync(server, () => server.Client.GetAsync($"{deploys}?limit=3", Cancelled));
    }

    private static async Task<HttpResponseMessage> UploadAsync(UpdraftServer server, Uri url, byte[] archive)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, new Uri(server.BaseAddress, url.PathAndQuery));
        request.Content = new ByteArrayContent(archive);
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        return await server.Anonymous.SendAsync(request, Cancelled);
    }

    private static async Task<JsonObject> GetAsync(UpdraftServer server, string path)
    {
        using var response = await RetryAsync(server, () => server.Client.GetAsync(path, Cancelled));
        return await response.ReadAsync(HttpStatusCode.OK);
    }

    private static async Task<HttpResponseMessage> RetryAsync(UpdraftServer server, Func<Task<HttpResponseMessage>> send)
    {
        for (var attempt = 1; ; attempt++)
        {
            var response = await send();
            if (response.IsSuccessStatusCode)
                return response;
            var text = await response.Content.ReadAsStringAsync(Cancelled);
            var log = server.LogText[^Math.Min(6000, server.LogText.Length)..];
            Assert.True(response.StatusCode == HttpStatusCode.ServiceUnavailable && attempt < 5,
                $"{response.RequestMessage}, attempt {attempt}: {(int)response.StatusCode} {text}\n{log}");
            response.Dispose();
        }
    }
}
