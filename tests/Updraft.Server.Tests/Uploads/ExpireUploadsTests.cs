using System.Net;
using Microsoft.Extensions.Time.Testing;

namespace Updraft.Server.Tests.Uploads;

public sealed class ExpireUploadsTests
{
    private static readonly string A = Convert.ToBase64String("block-a"u8);

    private static DateTimeOffset Start => DateTimeOffset.UnixEpoch.AddYears(56);

    [Fact]
    public async Task Blocks_of_a_finalized_deploy_are_deleted_and_its_URL_stays_closed()
    {
        var clock = new FakeTimeProvider(Start);
        await using var server = await UpdraftServer.StartAsync(clock,
            new Dictionary<string, string>(StringComparer.Ordinal) { ["Uploads:UrlLifetimeMinutes"] = "1440" });
        var site = await UploadSite.CreateAsync(server);
        (await site.StageAsync(A, UploadSite.Tar("one"))).Dispose();
        using var committed = await site.CommitAsync(A);
        await site.FinalizeAsync(await UploadSite.VersionOfAsync(committed));

        clock.Advance(TimeSpan.FromHours(1));

        await UntilNoBlocksAsync(server, site);
        using var late = await site.PutAsync(UploadSite.Tar("two"));
        await UploadSite.RefusalAsync(late, HttpStatusCode.Forbidden, "AuthorizationFailure");
    }

    [Fact]
    public async Task Blocks_of_an_abandoned_deploy_are_deleted_after_a_day()
    {
        var clock = new FakeTimeProvider(Start);
        await using var server = await UpdraftServer.StartAsync(clock);
        var abandoned = await UploadSite.CreateAsync(server);
        (await abandoned.StageAsync(A, UploadSite.Tar("one"))).Dispose();
        clock.Advance(TimeSpan.FromHours(23));
        var recent = await UploadSite.CreateAsync(server);
        (await recent.StageAsync(A, UploadSite.Tar("one"))).Dispose();
        Assert.Single(await UploadSite.BlobsAsync(server, abandoned.DeployId));

        clock.Advance(TimeSpan.FromHours(2));

        await UntilNoBlocksAsync(server, abandoned);
        Assert.Single(await UploadSite.BlobsAsync(server, recent.DeployId));
    }

    [Fact]
    public async Task Blocks_that_expired_during_a_downtime_are_deleted_at_the_start()
    {
        var clock = new FakeTimeProvider(Start);
        await using var server = await UpdraftServer.StartAsync(clock);
        var site = await UploadSite.CreateAsync(server);
        (await site.StageAsync(A, UploadSite.Tar("one"))).Dispose();
        await server.StopAsync();
        clock.Advance(TimeSpan.FromDays(2));

        await server.RestartAsync();

        await UntilNoBlocksAsync(server, site);
    }

    [Fact]
    public async Task Upload_URL_expires_after_its_lifetime()
    {
        var clock = new FakeTimeProvider(Start);
        await using var server = await UpdraftServer.StartAsync(clock);
        var site = await UploadSite.CreateAsync(server);
        clock.Advance(TimeSpan.FromMinutes(60));
        await site.UploadAsync(UploadSite.Tar("one"));

        clock.Advance(TimeSpan.FromSeconds(1));

        using var late = await site.PutAsync(UploadSite.Tar("two"));
        Assert.Contains("expired at 2026-01-01T01:00:00Z",
            await UploadSite.RefusalAsync(late, HttpStatusCode.Forbidden, "AuthenticationFailed"));
    }

    private static Task UntilNoBlocksAsync(UpdraftServer server, UploadSite site) =>
        Poll.UntilAsync(async () => (await UploadSite.BlobsAsync(server, site.DeployId)).Count == 0);
}
