using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

// Runs in CI only: it writes more than 2 GiB.
[Trait("Runs", "ci")]
public sealed class LargeUploadTests
{
    private const int Files = 64;
    private const long BytesPerFile = 16L * 1024 * 1024, MaxMemory = 250_000_000, MaxMemoryWithStore = 330_000_000;

    [Fact]
    public async Task Upload_of_1_GiB_needs_a_bounded_amount_of_server_memory()
    {
        await using var installation = await Installation.StartAsync(
            "--Uploads:MaxBytes=2147483648", "--Archives:MaxUnpackedBytes=2147483648");
        using var archive = new LargeArchive(Files, BytesPerFile);
        Assert.True(archive.Length >= 1L << 30);
        var deploy = await installation.CreateDeployAsync(new() { ["type"] = "DAG_ONLY" });

        var version = await installation.UploadAsync(deploy.Text("dagsUploadUrl"), archive);
        await installation.FinalizeAsync(deploy.Text("id"), "dagTarballVersion", version);

        // The client of an object store adds its code, and buffers for the blocks that it uploads.
        Assert.InRange(installation.Server.PeakMemoryBytes, 1, DataPlace.HasStore ? MaxMemoryWithStore : MaxMemory);
    }
}
