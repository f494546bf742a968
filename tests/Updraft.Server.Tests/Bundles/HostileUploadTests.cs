using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Rollouts;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Bundles;

/// <summary>
/// Uploads every hostile archive over HTTP. The server must return 400 within two seconds, and leave no version, file or row. No other
/// tests of this process run at the same time.
/// </summary>
[Collection(nameof(HostileUploads))]
[Trait("Database", "any")]
public sealed class HostileUploadTests(HostileUploads uploads)
{
#if DEBUG
    // The promise is for the optimized build; a debug build is several times slower.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(6);
#else
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
#endif

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);

    public static TheoryData<string> Hostile => [.. HostileArchives.All.Keys];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task Hostile_upload_is_rejected_within_two_seconds_with_400(string name)
    {
        var hostile = HostileArchives.All[name];
        var archive = hostile.Archive();
        var before = await uploads.FootprintAsync();

        using var response = await PutAsync(archive);

        Assert.False(response.Headers.Contains("x-ms-version-id"));
        var message = await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, "InvalidInput");
        Assert.All(hostile.Names, part => Assert.Contains(part, message, StringComparison.Ordinal));
        Assert.Equal(before, await uploads.FootprintAsync());
    }

    [Fact]
    public async Task Valid_upload_succeeds_after_all_hostile_uploads()
    {
        foreach (var hostile in HostileArchives.All.Values)
        {
            using var response = await uploads.Site.PutAsync(hostile.Archive());
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }

        var site = await UploadSite.CreateAsync(uploads.Server);
        await site.FinalizeAsync(await site.UploadAsync(new TarBuilder().File("dags/a.py", "print()").ToArray()));
    }

    /// <summary>
    /// Two seconds of elapsed time, or on a busy machine two seconds of processor time. A wait without work ends after
    /// <see cref="Timeout"/>.
    /// </summary>
    private async Task<HttpResponseMessage> PutAsync(byte[] archive)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        limit.CancelAfter(Timeout);
        var (started, before) = (TimeProvider.System.GetTimestamp(), Environment.CpuUsage.TotalTime);
        var response = await uploads.Site.PutAsync(archive).WaitAsync(limit.Token);
        var (took, worked) = (TimeProvider.System.GetElapsedTime(started), Environment.CpuUsage.TotalTime - before);
        Assert.True(took <= Limit || worked <= Limit, $"The upload took {took}, with {worked} of processor time; the limit is {Limit}.");
        return response;
    }
}

/// <summary>One server for all hostile uploads. No other tests run in parallel.</summary>
[CollectionDefinition(nameof(HostileUploads), DisableParallelization = true)]
public sealed class HostileUploads : IAsyncLifetime, ICollectionFixture<HostileUploads>
{
    internal UpdraftServer Server { get; private set; } = null!;

    internal UploadSite Site { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await UpdraftServer.StartAsync();
        Site = await UploadSite.CreateAsync(Server);
        // The first upload creates lasting objects such as directories. They must exist before the first comparison.
        using var first = await Site.PutAsync([1, 2, 3]);
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    /// <summary>Describes every blob, and every row that an upload could write.</summary>
    internal async Task<string> FootprintAsync()
    {
        await using var scope = Server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var (versions, contents, revisions) = (await db.BundleVersions.CountAsync(TestContext.Current.CancellationToken),
            await db.BundleContents.CountAsync(TestContext.Current.CancellationToken),
            await db.Revisions.CountAsync(TestContext.Current.CancellationToken));
        var files = (await TestStorage.BlobsAsync(Server)).Order(StringComparer.Ordinal);
        return $"{versions} versions, {contents} contents, {revisions} revisions: {string.Join(' ', files)}";
    }
}
