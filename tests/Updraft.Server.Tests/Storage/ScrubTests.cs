using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Storage;

/// <summary>
/// The command <c>scrub</c>, started as an operator starts it while the server runs, reports every damaged blob. The server never serves
/// damaged contents as intact, and serves other bundles as before.
/// </summary>
[Trait("Runs", "ci")] // Starts a process for each case, which takes two minutes.
[Trait("Database", "any")]
public sealed class ScrubTests(SharedFolderServer shared) : IClassFixture<SharedFolderServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Damages
    {
        get
        {
            var table = new TheoryData<string, string>();
            foreach (var kind in (string[])["packs", "manifests"])
            {
                foreach (var damage in (string[])["truncated", "one byte longer", "empty", "missing", "a directory", "a link"])
                    table.Add(kind, damage);
            }
            return table;
        }
    }

    [Fact]
    public async Task Scrub_of_an_intact_store_reports_and_changes_nothing()
    {
        await using var server = await UpdraftServer.StartAsync(settings: TestStorage.Folder);
        var bundle = await StoredBundle.CreateAsync(server);
        var uncommitted = Path.Join(server.DataDirectory, "blobs", "tmp", "upload.updraft-tmp");
        await File.WriteAllTextAsync(uncommitted, "half", Cancelled);

        var (code, report) = await ScrubAsync(server);

        Assert.Equal(0, code);
        Assert.Empty(report["damage"]!.AsArray());
        Assert.Equal((1, 1, 1), ((int)report["versions"]!, (int)report["manifests"]!, (int)report["packs"]!));
        Assert.Equal(StoredBundle.Files, (int)report["contents"]!);
        Assert.True(File.Exists(uncommitted), "The scrub deleted an uncommitted blob of the running server.");
        Assert.True(File.Exists(bundle.Pack));
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Damaged_blob_is_reported_and_never_served_as_intact(string kind, string damage)
    {
        var bundle = await StoredBundle.CreateAsync(Server);
        var other = await StoredBundle.CreateAsync(Server);
        var path = kind == "packs" ? bundle.Pack : bundle.Manifest;
        var original = await File.ReadAllBytesAsync(path, Cancelled);
        Damage(path, damage, original);

        await AssertNamedAsync(bundle, path);
        Assert.False(await bundle.CanBeFetchedAsync(), "The server served a damaged bundle as intact.");
        Assert.True(await other.CanBeFetchedAsync(), "The damage of one bundle affected another bundle.");

        Restore(path, original);
        Assert.True(await bundle.CanBeFetchedAsync());
    }

    [Theory]
    [InlineData("packs")]
    [InlineData("manifests")]
    public async Task Changed_byte_is_found_at_any_position(string kind)
    {
        await using var server = await UpdraftServer.StartAsync(settings: TestStorage.Folder);
        var bundle = await StoredBundle.CreateAsync(server);
        var path = kind == "packs" ? bundle.Pack : bundle.Manifest;
        var original = await File.ReadAllBytesAsync(path, Cancelled);
        for (var step = 0; step < 64; step++)
        {
            var at = (int)((long)original.Length * step / 64);
            var flipped = original.ToArray();
            flipped[at] ^= 0x55;
            await File.WriteAllBytesAsync(path, flipped, Cancelled);

            var damage = await ScrubInProcess.RunAsync(server);
            Assert.True(damage.Any(found => path.EndsWith(found.Blob!, StringComparison.Ordinal)), $"Byte {at} of {path} was missed.");
            Assert.False(await bundle.CanBeFetchedAsync(), $"Byte {at} of {path} is wrong, and an agent would accept it.");
        }
        await File.WriteAllBytesAsync(path, original, Cancelled);
        Assert.Empty(await ScrubInProcess.RunAsync(server));
    }

    [Fact]
    public async Task Content_with_a_missing_or_wrong_row_is_reported_with_its_file()
    {
        await using var server = await UpdraftServer.StartAsync(settings: TestStorage.Folder);
        var bundle = await StoredBundle.CreateAsync(server);
        await bundle.SqlAsync("UPDATE bundle_contents SET \"offset\" = \"offset\" + 1 WHERE content = {0}", "dags/0.py");
        await bundle.SqlAsync("DELETE FROM bundle_contents WHERE content = {0}", "dags/1.py");

        var damage = await ScrubInProcess.RunAsync(server);

        Assert.Equal(["dags/0.py", "dags/1.py"], damage.Select(found => found.Path).OfType<string>().Order(StringComparer.Ordinal));
        Assert.Contains(damage, found => found.Problem.Contains("at another location", StringComparison.Ordinal));
        Assert.Contains(damage, found => found.Problem.Contains("has no pack", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Scrub_without_a_data_directory_fails_and_creates_none()
    {
        var directory = Path.Join(Path.GetTempPath(), Path.GetRandomFileName());
        var (code, _, error) = await RunAsync("scrub", $"--Data={directory}");
        Assert.Equal(1, code);
        Assert.Contains("--Data", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(directory));
    }

    [Fact]
    public async Task Text_output_names_Deployment_version_and_file()
    {
        await using var server = await UpdraftServer.StartAsync(settings: TestStorage.Folder);
        var bundle = await StoredBundle.CreateAsync(server);
        File.Delete(bundle.Pack);
        var (code, output, _) = await RunAsync(["scrub", .. server.DataArguments]);
        Assert.Equal(1, code);
        Assert.Contains($"Deployment {bundle.DeploymentId}, version {bundle.Version}, file dags/0.py", output, StringComparison.Ordinal);
    }

    private static void Damage(string path, string damage, byte[] original)
    {
        File.Delete(path);
        switch (damage)
        {
            case "truncated":
                File.WriteAllBytes(path, original[..^1]);
                break;
            case "one byte longer":
                File.WriteAllBytes(path, [.. original, 0]);
                break;
            case "empty":
                File.WriteAllBytes(path, []);
                break;
            case "missing":
                break;
            case "a directory":
                Directory.CreateDirectory(path);
                break;
            case "a link":
                // The target has the correct bytes, so only the link is wrong.
                File.WriteAllBytes(path + ".elsewhere", original);
                File.CreateSymbolicLink(path, path + ".elsewhere");
                break;
        }
    }

    private static void Restore(string path, byte[] original)
    {
        if (Directory.Exists(path))
            Directory.Delete(path);
        File.Delete(path);
        File.Delete(path + ".elsewhere");
        File.WriteAllBytes(path, original);
    }

    private async Task AssertNamedAsync(StoredBundle bundle, string path)
    {
        var (code, report) = await ScrubAsync(Server);
        Assert.Equal(1, code);
        var named = report["damage"]!.AsArray().Select(item => item!.AsObject()).ToList();
        Assert.All(named, found => Assert.Equal(bundle.DeploymentId, found.Text("deploymentId")));
        Assert.Contains(named, found => path.EndsWith(found.Text("blob"), StringComparison.Ordinal));
        Assert.Contains(named, found => found["version"]?.GetValue<string>() == bundle.Version);
    }

    private static async Task<(int Code, JsonObject Report)> ScrubAsync(UpdraftServer server)
    {
        var (code, output, error) = await RunAsync(["scrub", "--json", .. server.DataArguments]);
        Assert.True(output.StartsWith('{'), $"scrub ended with {code}: {output}{error}");
        return (code, JsonNode.Parse(output)!.AsObject());
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Join(AppContext.BaseDirectory, "Updraft.Server"), args)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync(Cancelled);
        var error = process.StandardError.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled);
        return (process.ExitCode, await output, await error);
    }
}
