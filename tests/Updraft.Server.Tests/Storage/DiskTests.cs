using System.Net;
using System.Text.Json.Nodes;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Storage;

/// <summary>A running server on a disk that is full, out of inodes or read-only. It recovers without a restart.</summary>
[Trait("Runs", "ci")] // Mounts file systems, which needs root.
[Trait("needs", "mount")]
[Trait("Database", "any")]
public sealed class DiskTests
{
    private const int MiB = 1024 * 1024;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Disk_that_fills_up_during_an_upload_is_reported_with_507()
    {
        await using var site = await DiskServer.StartAsync("blobs", "size=16m");
        var before = await UploadSite.CreateAsync(site.Server);
        var version = await before.UploadAsync(UploadSite.LargeTar(2 * MiB));
        var upload = await UploadSite.CreateAsync(site.Server);

        // The body has no Content-Length, and hexadecimal digits compress to half of their size.
        using (var refused = await upload.PutAsync(UploadSite.LargeTar(40 * MiB),
            adjust: request => request.Headers.TransferEncodingChunked = true))
            Assert.Contains("disk is full", await RejectedAsync(refused, 507), StringComparison.Ordinal);
        Assert.Empty(site.Temporary);
        Assert.Empty(await UploadSite.BlobsAsync(site.Server, upload.DeployId));
        Assert.Empty(await upload.RecordedAsync());

        await before.FinalizeAsync(version);
        await upload.UploadAsync(UploadSite.LargeTar(2 * MiB));
    }

    [Fact]
    public async Task Full_disk_rejects_uploads_until_space_is_free_with_507()
    {
        await using var site = await DiskServer.StartAsync("blobs", "size=16m");
        var upload = await UploadSite.CreateAsync(site.Server);
        site.Fill();

        using (var whole = await upload.PutAsync(UploadSite.LargeTar(MiB)))
            await RejectedAsync(whole, 507);
        using (var block = await upload.StageAsync("AAAA", new byte[MiB]))
            await RejectedAsync(block, 507);
        Assert.Empty(site.Temporary);
        await site.Server.Client.GetOkAsync($"{site.Server.OrganizationPath}/deployments");

        site.Free();
        await upload.FinalizeAsync(await upload.UploadAsync(UploadSite.LargeTar(MiB)));
    }

    [Fact]
    public async Task Upload_without_free_inodes_is_rejected_with_507()
    {
        await using var site = await DiskServer.StartAsync("blobs", "size=64m,nr_inodes=200");
        var upload = await UploadSite.CreateAsync(site.Server);
        site.FillInodes();

        using (var refused = await upload.PutAsync(UploadSite.Tar("one")))
            await RejectedAsync(refused, 507);
        Assert.Empty(site.Temporary);

        site.Free();
        await upload.FinalizeAsync(await upload.UploadAsync(UploadSite.Tar("one")));
    }

    [Trait("Database", "SQLite")]
    [Fact]
    public async Task Full_database_disk_rejects_writes_and_allows_reads()
    {
        await using var site = await DiskServer.StartAsync("database", "size=16m");
        var upload = await UploadSite.CreateAsync(site.Server);
        var version = await upload.UploadAsync(UploadSite.Tar("one"));
        var deploy = $"{site.Server.OrganizationPath}/deployments/{upload.DeploymentId}/deploys/{upload.DeployId}";
        site.Fill();

        // The log may have allocated space for some writes. Each rejected write must have no effect.
        var failures = 0;
        for (var i = 0; i < 40; i++)
        {
            using var response = await site.Server.Client.PostAsync($"{site.Server.OrganizationPath}/workspaces",
                JsonRequests.Json(new JsonObject { ["name"] = $"w{i}", ["description"] = new string('x', 500) }.ToJsonString()), Cancelled);
            if (response.StatusCode == HttpStatusCode.OK)
                continue;
            Assert.Contains("full", await RejectedAsync(response, 507), StringComparison.Ordinal);
            failures++;
        }
        Assert.NotEqual(0, failures);
        using (var refused = await site.Server.Client.PostAsync($"{deploy}/finalize",
            JsonRequests.Json($$"""{"dagTarballVersion":"{{version}}"}"""), Cancelled))
            await RejectedAsync(refused, 507);
        Assert.Equal("INITIALIZED", (await site.Server.Client.GetOkAsync(deploy)).Text("status"));

        site.Free();
        Assert.Equal("DEPLOYED", (await upload.FinalizeAsync(version)).Text("status"));
    }

    [Fact]
    public async Task Read_only_store_rejects_uploads_and_readiness_but_allows_reads()
    {
        await using var site = await DiskServer.StartAsync("blobs", "size=16m");
        var stored = await StoredBundle.CreateAsync(site.Server);
        var upload = await UploadSite.CreateAsync(site.Server);
        await site.RemountAsync("ro");

        using (var refused = await upload.PutAsync(UploadSite.Tar("one")))
            Assert.Contains("is read-only", await RejectedAsync(refused, 503), StringComparison.Ordinal);
        using (var ready = await site.Server.Anonymous.GetAsync("/healthz/ready", Cancelled))
            Assert.Contains("blob store", await RejectedAsync(ready, 503), StringComparison.Ordinal);
        Assert.True(await stored.CanBeFetchedAsync());
        await site.Server.Client.GetOkAsync($"{site.Server.OrganizationPath}/deployments");

        await site.RemountAsync("rw");
        await upload.FinalizeAsync(await upload.UploadAsync(UploadSite.Tar("one")));
        // The server keeps the result of the check for a second.
        await Poll.UntilAsync(async () =>
        {
            using var well = await site.Server.Anonymous.GetAsync("/healthz/ready", Cancelled);
            return well.StatusCode == HttpStatusCode.OK;
        });
    }

    [Fact]
    public async Task Upload_into_the_reserve_is_rejected_before_reading_with_507()
    {
        await using var site = await DiskServer.StartAsync("blobs", "size=16m", reserve: 8 * MiB);
        var upload = await UploadSite.CreateAsync(site.Server);
        using (var refused = await upload.PutAsync(UploadSite.LargeTar(10 * MiB), adjust: request => request.Headers.ExpectContinue = true))
        {
            var message = await RejectedAsync(refused, 507);
            Assert.Contains($"keeps {8 * MiB} (Storage:ReserveBytes)", message, StringComparison.Ordinal);
        }
        await upload.UploadAsync(UploadSite.LargeTar(MiB));

        site.Fill(leave: 8 * MiB - 4096);
        using (var refused = await upload.PutAsync(UploadSite.Tar("one")))
            await RejectedAsync(refused, 507);
        site.Free();
        await upload.UploadAsync(UploadSite.Tar("one"));
    }

    [Fact]
    public async Task Client_that_accepts_XML_gets_the_disk_error_as_XML()
    {
        await using var site = await DiskServer.StartAsync("blobs", "size=16m");
        var upload = await UploadSite.CreateAsync(site.Server);
        site.Fill();
        using var refused = await upload.PutAsync(UploadSite.LargeTar(MiB),
            adjust: request => request.Headers.Accept.ParseAdd("application/xml"));
        Assert.Equal(507, (int)refused.StatusCode);
        Assert.Contains("bytes of disk space free", await refused.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
    }

    private static async Task<string> RejectedAsync(HttpResponseMessage response, int status)
    {
        var error = await response.ReadAsync((HttpStatusCode)status);
        Assert.Equal(["message", "requestId", "statusCode"], error.Select(field => field.Key).Order(StringComparer.Ordinal));
        return error.Text("message");
    }
}
