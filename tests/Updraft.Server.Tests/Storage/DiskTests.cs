using System.Net;
using System.Text.Json.Nodes;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Storage;

/// <summary>Reliability D1 to D4: disks that are full, out of inodes or read-only, under a server that runs, and its recovery without a restart.</summary>
[Trait("Runs", "ci")] // Mounts file systems, which needs root.
[Trait("needs", "mount")]
public sealed class DiskTests
{
    private const int MiB = 1024 * 1024;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_disk_that_fills_up_during_an_upload_is_a_507_and_everything_else_goes_on()
    {
        await using var site = await DiskServer.StartAsync("blobs", "size=16m");
        var before = await UploadSite.CreateAsync(site.Server);
        var version = await before.UploadAsync(UploadSite.LargeTar(2 * MiB));
        var upload = await UploadSite.CreateAsync(site.Server);

        // Its length is not announced, and hexadecimal digits pack to a half.
        using (var refused = await upload.PutAsync(UploadSite.LargeTar(40 * MiB), adjust: request => request.Headers.TransferEncodingChunked = true))
            Assert.Contains("disk is full", await RefusedAsync(refused, 507), StringComparison.Ordinal);
        Assert.Empty(site.Temporary);
        Assert.Empty(await UploadSite.BlobsAsync(site.Server, upload.DeployId));
        Assert.Empty(await upload.RecordedAsync());

        await before.FinalizeAsync(version);
        await upload.UploadAsync(UploadSite.LargeTar(2 * MiB));
    }

    [Fact]
    public async Task A_full_disk_refuses_blocks_and_is_used_again_once_there_is_space()
    {
        await using var site = await DiskServer.StartAsync("blobs", "size=16m");
        var upload = await UploadSite.CreateAsync(site.Server);
        site.Fill();

        using (var whole = await upload.PutAsync(UploadSite.LargeTar(MiB)))
            await RefusedAsync(whole, 507);
        using (var block = await upload.StageAsync("AAAA", new byte[MiB]))
            await RefusedAsync(block, 507);
        Assert.Empty(site.Temporary);
        await site.Server.Client.GetOkAsync($"{site.Server.OrganizationPath}/deployments");

        site.Free();
        await upload.FinalizeAsync(await upload.UploadAsync(UploadSite.LargeTar(MiB)));
    }

    [Fact]
    public async Task Without_inodes_an_upload_is_a_507_and_works_again_once_there_are_some()
    {
        await using var site = await DiskServer.StartAsync("blobs", "size=64m,nr_inodes=200");
        var upload = await UploadSite.CreateAsync(site.Server);
        site.FillInodes();

        using (var refused = await upload.PutAsync(UploadSite.Tar("one")))
            await RefusedAsync(refused, 507);
        Assert.Empty(site.Temporary);

        site.Free();
        await upload.FinalizeAsync(await upload.UploadAsync(UploadSite.Tar("one")));
    }

    [Trait("Database", "SQLite")]
    [Fact]
    public async Task A_full_disk_under_the_database_fails_a_finalize_cleanly_and_reads_go_on()
    {
        await using var site = await DiskServer.StartAsync("database", "size=16m");
        var upload = await UploadSite.CreateAsync(site.Server);
        var version = await upload.UploadAsync(UploadSite.Tar("one"));
        var deploy = $"{site.Server.OrganizationPath}/deployments/{upload.DeploymentId}/deploys/{upload.DeployId}";
        site.Fill();

        // What the log has allocated already may still take some; every refusal must be whole, and reads must see the same before and after.
        var failures = 0;
        for (var i = 0; i < 40; i++)
        {
            using var response = await site.Server.Client.PostAsync($"{site.Server.OrganizationPath}/workspaces",
                JsonRequests.Json(new JsonObject { ["name"] = $"w{i}", ["description"] = new string('x', 500) }.ToJsonString()), Cancelled);
            if (response.StatusCode == HttpStatusCode.OK)
                continue;
            Assert.Contains("full", await RefusedAsync(response, 507), StringComparison.Ordinal);
            failures++;
        }
        Assert.NotEqual(0, failures);
        using (var refused = await site.Server.Client.PostAsync($"{deploy}/finalize",
            JsonRequests.Json($$"""{"dagTarballVersion":"{{version}}"}"""), Cancelled))
            await RefusedAsync(refused, 507);
        Assert.Equal("INITIALIZED", (await site.Server.Client.GetOkAsync(deploy)).Text("status"));

        site.Free();
        Assert.Equal("DEPLOYED", (await upload.FinalizeAsync(version)).Text("status"));
    }

    [Fact]
    public async Task A_read_only_store_refuses_uploads_and_readiness_and_goes_on_reading()
    {
        await using var site = await DiskServer.StartAsync("blobs", "size=16m");
        var stored = await StoredBundle.CreateAsync(site.Server);
        var upload = await UploadSite.CreateAsync(site.Server);
        await site.RemountAsync("ro");

        using (var refused = await upload.PutAsync(UploadSite.Tar("one")))
            Assert.Contains("is read-only", await RefusedAsync(refused, 503), StringComparison.Ordinal);
        using (var ready = await site.Server.Anonymous.GetAsync("/healthz/ready", Cancelled))
            Assert.Contains("blob store", await RefusedAsync(ready, 503), StringComparison.Ordinal);
        Assert.True(await stored.CanBeHadAsync());
        await site.Server.Client.GetOkAsync($"{site.Server.OrganizationPath}/deployments");

        await site.RemountAsync("rw");
        await upload.FinalizeAsync(await upload.UploadAsync(UploadSite.Tar("one")));
        using var well = await site.Server.Anonymous.GetAsync("/healthz/ready", Cancelled);
        Assert.Equal(HttpStatusCode.OK, well.StatusCode);
    }

    [Fact]
    public async Task The_reserve_is_kept_before_a_byte_is_read()
    {
        await using var site = await DiskServer.StartAsync("blobs", "size=16m", reserve: 8 * MiB);
        var upload = await UploadSite.CreateAsync(site.Server);
        using (var refused = await upload.PutAsync(UploadSite.LargeTar(10 * MiB), adjust: request => request.Headers.ExpectContinue = true))
        {
            var message = await RefusedAsync(refused, 507);
            Assert.Contains($"keeps {8 * MiB} (Storage:ReserveBytes)", message, StringComparison.Ordinal);
        }
        await upload.UploadAsync(UploadSite.LargeTar(MiB));

        site.Fill(leave: 8 * MiB - 4096);
        using (var refused = await upload.PutAsync(UploadSite.Tar("one")))
            await RefusedAsync(refused, 507);
        site.Free();
        await upload.UploadAsync(UploadSite.Tar("one"));
    }

    [Fact]
    public async Task A_client_that_reads_xml_is_told_of_a_full_disk_in_xml()
    {
        await using var site = await DiskServer.StartAsync("blobs", "size=16m");
        var upload = await UploadSite.CreateAsync(site.Server);
        site.Fill();
        using var refused = await upload.PutAsync(UploadSite.LargeTar(MiB), adjust: request => request.Headers.Accept.ParseAdd("application/xml"));
        Assert.Equal(507, (int)refused.StatusCode);
        Assert.Contains("bytes of disk space free", await refused.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
    }

    private static async Task<string> RefusedAsync(HttpResponseMessage response, int status)
    {
        var error = await response.ReadAsync((HttpStatusCode)status);
        Assert.Equal(["message", "requestId", "statusCode"], error.Select(field => field.Key).Order(StringComparer.Ordinal));
        return error.Text("message");
    }
}
