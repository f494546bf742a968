using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

// Runs in CI only: it writes more than 2 GiB.
[Trait("Runs", "ci")]
public sealed class LargeUploadTests
{
    private const int Files = 64;
    private const long BytesPerFile = 16L * 1024 * 1024, MaxMemory = 250_000_000, MaxMemoryWithStore = 330_000_000;

    [Fact]
    public async Task An_upload_of_1_GiB_needs_less_than_250_MB_of_the_servers_memory_and_some_more_with_an_object_store()
    {
        await using var installation = await Installation.StartAsync("--Uploads:MaxBytes=2147483648", "--Archives:MaxUnpackedBytes=2147483648");
        using var archive = new LargeArchive(Files, BytesPerFile);
        Assert.True(archive.Length >= 1L << 30);
        var deploy = await installation.CreateDeployAsync(new() { ["type"] = "DAG_ONLY" });

        var version = await installation.UploadAsync(deploy.Text("dagsUploadUrl"), archive);
        await installation.FinalizeAsync(deploy.Text("id"), "dagTarballVersion", version);

        // The client of a store brings its code, and buffers for the blocks that are on their way.
        Assert.InRange(installation.Server.PeakMemoryBytes, 1, DataPlace.HasStore ? MaxMemoryWithStore : MaxMemory);
    }
}
