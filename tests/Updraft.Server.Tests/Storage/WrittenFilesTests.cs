using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Updraft.Server.Tests.Support;

namespace Updraft.Server.Tests.Storage;

/// <summary>All files that a server process writes. The server may write only in its data directory.</summary>
[Trait("Runs", "ci")] // Traces system calls, and mounts file systems, which needs root.
[Trait("Database", "any")]
public sealed partial class WrittenFilesTests
{
    private const string Calls = "trace=open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Server_writes_only_in_its_data_directory()
    {
        var trace = Path.GetTempFileName();
        try
        {
            string data;
            await using (var server = await ServerProcess.StartAsync((_, command) => ["strace", "-f", "-qq", "-o", trace, "-e", Calls, .. command]))
            {
                data = server.Data;
                await UseAsync(server);
                await server.StopAsync();
            }
            var outside = (await File.ReadAllLinesAsync(trace, Cancelled)).Where(IsWrite)
                .SelectMany(line => QuotedPath().Matches(line).Select(match => (Path: match.Groups["path"].Value, Line: line)))
                .Where(write => !write.Path.StartsWith(data, StringComparison.Ordinal)
                    && !write.Path.StartsWith("/dev/null", StringComparison.Ordinal)
                    && !write.Path.StartsWith("/dev/tty", StringComparison.Ordinal) && !write.Path.StartsWith("/proc/self/", StringComparison.Ordinal))
                .Select(write => write.Line).ToList();
            Assert.True(outside.Count == 0, string.Join('\n', outside.Take(20)));
        }
        finally
        {
            File.Delete(trace);
        }
    }

    [Fact]
    public async Task Server_deploys_with_a_read_only_root_and_no_tmp()
    {
        const string Script = """
            mount --make-rprivate / && mount --bind "$0" /mnt && mount -o remount,bind,ro / \
            && for d in /tmp /var/tmp /dev/shm /run; do mount -t tmpfs -o ro tmpfs "$d" || exit 1; done && exec "$@"
            """;
        ServerProcess server;
        try
        {
            server = await ServerProcess.StartAsync((directory, command) =>
                ["unshare", "--mount", "sh", "-c", Script, Path.Join(directory, "data"), .. command], data: "/mnt");
        }
        catch (Xunit.Sdk.TrueException exception) when (exception.Message.Contains("unshare", StringComparison.Ordinal)
            || exception.Message.Contains("mount:", StringComparison.Ordinal))
        {
            Assert.Skip($"This process may not mount a file system: {exception.Message}");
            return;
        }
        await using (server)
            await UseAsync(server);
    }

    /// <summary>Deploys, and sends the requests for which the server or the framework once wrote temporary files.</summary>
    private static async Task UseAsync(ServerProcess server)
    {
        var organization = (await server.Client.GetOkAsync("/v1/organizations"))["organizations"]![0]!.AsObject().Text("id");
        var root = $"/v1/organizations/{organization}";
        var workspace = (await server.Client.GetOkAsync($"{root}/workspaces"))["workspaces"]![0]!.AsObject().Text("id");
        var deployment = (await server.Client.PostOkAsync($"{root}/deployments",
            new JsonObject { ["name"] = "d", ["workspaceId"] = workspace, ["isDagDeployEnabled"] = true })).Text("id");
        var version = "";
        for (var i = 0; i < 3; i++)
            version = await DeployAsync(server, $"{root}/deployments/{deployment}/deploys", i);
        var content = await server.Client.GetByteArrayAsync(
            $"/updraft{root}/deployments/{deployment}/versions/{version}/content?path=dags/large.bin", Cancelled);
        Assert.Equal(3_000_000, content.Length);
        using var form = new MultipartFormDataContent { { new ByteArrayContent(new byte[400_000]), "token", "a.bin" } };
        using var refused = await server.Client.PostAsync("/signin", form, Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        using var ready = await server.Client.GetAsync("/healthz/ready", Cancelled);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
    }

    private static async Task<string> DeployAsync(ServerProcess server, string deploys, int number)
    {
        var deploy = await server.Client.PostOkAsync(deploys, new JsonObject { ["type"] = "DAG_ONLY" });
        var noise = new byte[3_000_000];
        new Random(number).NextBytes(noise);
        var tar = new TarBuilder();
        for (var i = 0; i < 300; i++)
            tar.File($"dags/f{i}.py", $"{number} {i}");
        using var request = new HttpRequestMessage(HttpMethod.Put, new Uri(server.Client.BaseAddress!, new Uri(deploy.Text("dagsUploadUrl")).PathAndQuery))
        {
            Content = new ByteArrayContent(tar.File(TarBuilder.Text("dags/large.bin"), noise).ToArray()),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        using var response = await server.Client.SendAsync(request, Cancelled);
        Assert.True(response.StatusCode == HttpStatusCode.Created, await response.Content.ReadAsStringAsync(Cancelled));
        var version = response.Headers.GetValues("x-ms-version-id").Single();
        await server.Client.PostOkAsync($"{deploys}/{deploy.Text("id")}/finalize", new JsonObject { ["dagTarballVersion"] = version });
        return version;
    }

    private static bool IsWrite(string line) => !line.Contains(" = -1 ", StringComparison.Ordinal)
        && (!line.Contains("open", StringComparison.Ordinal) || line.Contains("O_WRONLY", StringComparison.Ordinal)
            || line.Contains("O_RDWR", StringComparison.Ordinal) || line.Contains("O_CREAT", StringComparison.Ordinal));

    [GeneratedRegex("\"(?<path>/[^\"]*)\"", RegexOptions.None, 1000)]
    private static partial Regex QuotedPath();
}
