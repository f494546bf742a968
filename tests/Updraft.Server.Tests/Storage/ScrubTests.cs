using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Storage;

/// <summary>
/// Reliability D5 to D7: what is wrong with a stored blob is found and named by <c>scrub</c>, started as an operator starts it while the
/// server runs; no download passes it off as right, and other bundles are served as before.
/// </summary>
[Trait("Database", "every")]
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
                foreach (var damage in (string[])["truncated", "one byte longer", "empty", "missing", "a folder", "a link"])
                    table.Add(kind, damage);
            }
            return table;
        }
    }

    [Fact]
    public async Task An_undamaged_store_is_clean_and_stays_as_it_is()
    {
        await using var server = await UpdraftServer.StartAsync(settings: TestStorage.Folder);
        var bundle = await StoredBundle.CreateAsync(server);
        var inTheMaking = Path.Join(server.DataDirectory, "blobs", "tmp", "upload.updraft-tmp");
        await File.WriteAllTextAsync(inTheMaking, "half", Cancelled);

        var (code, report) = await ScrubAsync(server);

        Assert.Equal(0, code);
        Assert.Empty(report["damage"]!.AsArray());
        Assert.Equal((1, 1, 1), ((int)report["versions"]!, (int)report["manifests"]!, (int)report["packs"]!));
        Assert.Equal(StoredBundle.Files, (int)report["contents"]!);
        Assert.True(File.Exists(inTheMaking), "A scrub removed what the running server was writing.");
        Assert.True(File.Exists(bundle.Pack));
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_damaged_blob_is_named_and_never_served_as_right(string kind, string damage)
    {
        var bundle = await StoredBundle.CreateAsync(Server);
        var other = await StoredBundle.CreateAsync(Server);
        var path = kind == "packs" ? bundle.Pack : bundle.Manifest;
        var original = await File.ReadAllBytesAsync(path, Cancelled);
        Damage(path, damage, original);

        await AssertNamedAsync(bundle, path);
        Assert.False(await bundle.CanBeHadAsync(), "The server gave out a damaged bundle that passes for right.");
        Assert.True(await other.CanBeHadAsync(), "Damage in one bundle hit another one.");

        Restore(path, original);
        Assert.True(await bundle.CanBeHadAsync());
    }

    [Theory]
    [InlineData("packs")]
    [InlineData("manifests")]
    public async Task A_flipped_byte_is_found_wherever_it_is(string kind)
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
            Assert.False(await bundle.CanBeHadAsync(), $"Byte {at} of {path} is wrong, and an agent would believe it.");
        }
        await File.WriteAllBytesAsync(path, original, Cancelled);
        Assert.Empty(await ScrubInProcess.RunAsync(server));
    }

    [Fact]
    public async Task A_content_whose_row_is_gone_or_points_elsewhere_is_named_with_its_file()
    {
        await using var server = await UpdraftServer.StartAsync(settings: TestStorage.Folder);
        var bundle = await StoredBundle.CreateAsync(server);
        await bundle.SqlAsync("UPDATE bundle_contents SET \"offset\" = \"offset\" + 1 WHERE content = {0}", "dags/0.py");
        await bundle.SqlAsync("DELETE FROM bundle_contents WHERE content = {0}", "dags/1.py");

        var damage = await ScrubInProcess.RunAsync(server);

        Assert.Equal(["dags/0.py", "dags/1.py"], damage.Select(found => found.Path).OfType<string>().Order(StringComparer.Ordinal));
        Assert.Contains(damage, found => found.Problem.Contains("stands elsewhere", StringComparison.Ordinal));
        Assert.Contains(damage, found => found.Problem.Contains("knows no pack", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_data_folder_it_says_so_and_makes_none()
    {
        var folder = Path.Join(Path.GetTempPath(), Path.GetRandomFileName());
        var (code, _, error) = await RunAsync("scrub", $"--Data={folder}");
        Assert.Equal(1, code);
        Assert.Contains("--Data", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public async Task Lines_for_people_name_the_deployment_the_version_and_the_file()
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
            case "a folder":
                Directory.CreateDirectory(path);
                break;
            case "a link":
                // To the right bytes: it must be refused for being a link.
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
