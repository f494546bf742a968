using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Npgsql;

namespace Updraft.Server.Tests.Replicas;

/// <summary>PostgreSQL may be gone after any message: a client hears 503 then, repeats, and gets what it asked for. Row X10.</summary>
public sealed class BrokenConnectionTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    /// <summary>After how many messages more the next connection is broken; 1 is all that can happen, and takes minutes.</summary>
    private static long Step => long.Parse(Environment.GetEnvironmentVariable("UPDRAFT_CUT_STEP") is { Length: > 0 } text ? text : "19", CultureInfo.InvariantCulture);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task X10_A_connection_that_breaks_after_any_message_is_a_503_and_the_same_again_succeeds()
    {
        await using var database = await cluster.CreateDatabaseAsync();
        await using var relay = new CutRelay(new NpgsqlConnectionStringBuilder(database.ConnectionString).Host!);
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Database:ConnectionString"] = new NpgsqlConnectionStringBuilder(database.ConnectionString)
            {
                Host = "127.0.0.1",
                Port = relay.Port,
                // Their first bytes are no messages.
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
        Assert.True(cuts > 20, $"only {cuts} connections were broken");
    }

    /// <summary>All that a client does; each again for as long as it is told to.</summary>
    private static async Task DeployAsync(UpdraftServer server, string deploys, string description)
    {
        var made = await InsistAsync(server, () => server.Client.PostAsync(deploys,
            JsonRequests.Json($$"""{"type":"DAG_ONLY","description":"{{description}}"}"""), Cancelled));
        var (id, version) = ((await made.ReadAsync(HttpStatusCode.OK)).Text("id"), "");
        var address = new Uri((await GetAsync(server, $"{deploys}/{id}")).Text("dagsUploadUrl"));
        var archive = new TarBuilder().File("dags/a.py", description).ToArray();
        using (var uploaded = await InsistAsync(server, () => UploadAsync(server, address, archive)))
            version = uploaded.Headers.GetValues("x-ms-version-id").Single();
        using var finalized = await InsistAsync(server, () => server.Client.PostAsync($"{deploys}/{id}/finalize",
            JsonRequests.Json($$"""{"dagTarballVersion":"{{version}}"}"""), Cancelled));
        var shown = await GetAsync(server, $"{deploys}/{id}");
        Assert.Equal("DEPLOYED", shown.Text("status"));
        using var back = await InsistAsync(server, () => server.Client.PostAsync($"{deploys}/{id}/rollback", JsonRequests.Json("{}"), Cancelled));
        using var listed = await InsistAsync(server, () => server.Client.GetAsync($"{deploys}?limit=3", Cancelled));
    }

    private static async Task<HttpResponseMessage> UploadAsync(UpdraftServer server, Uri address, byte[] archive)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, new Uri(server.BaseAddress, address.PathAndQuery)) { Content = new ByteArrayContent(archive) };
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        return await server.Anonymous.SendAsync(request, Cancelled);
    }

    private static async Task<JsonObject> GetAsync(UpdraftServer server, string path)
    {
        using var answer = await InsistAsync(server, () => server.Client.GetAsync(path, Cancelled));
        return await answer.ReadAsync(HttpStatusCode.OK);
    }

    private static async Task<HttpResponseMessage> InsistAsync(UpdraftServer server, Func<Task<HttpResponseMessage>> send)
    {
        for (var attempt = 1; ; attempt++)
        {
            var answer = await send();
            if (answer.IsSuccessStatusCode)
                return answer;
            var text = await answer.Content.ReadAsStringAsync(Cancelled);
            Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable && attempt < 5,
                $"{answer.RequestMessage}, attempt {attempt}: {(int)answer.StatusCode} {text}\n{server.LogText[^Math.Min(6000, server.LogText.Length)..]}");
            answer.Dispose();
        }
    }
}
