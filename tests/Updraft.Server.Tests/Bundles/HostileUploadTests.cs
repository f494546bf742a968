using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Rollouts;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Bundles;

/// <summary>
/// Section B.6 by HTTP: every hostile archive, PUT to the address that a deploy gives out, is a 400 within two seconds
/// and leaves neither a version, a file nor a row. NoOpLock on the machine as far as these tests can see to it.
/// </summary>
[Collection(nameof(HostileUploads))]
public sealed class HostileUploadTests(HostileUploads uploads)
{
#if DEBUG
    // Without optimisation everything takes a multiple; the promise is for what is shipped.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(6);
#else
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
#endif

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    public static TheoryData<string> Hostile => [.. HostileArchives.All.Keys];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task A_hostile_upload_is_a_400_within_two_seconds_that_leaves_nothing(string name)
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
    public async Task A_good_upload_still_works_after_all_of_them()
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
    /// Two seconds by the clock; on a machine that is busy elsewhere, two seconds of work. Waiting without work ends at the patience.
    /// </summary>
    private async Task<HttpResponseMessage> PutAsync(byte[] archive)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        limit.CancelAfter(Patience);
        var (started, before) = (TimeProvider.System.GetTimestamp(), Environment.CpuUsage.TotalTime);
        var response = await uploads.Site.PutAsync(archive).WaitAsync(limit.Token);
        var (took, worked) = (TimeProvider.System.GetElapsedTime(started), Environment.CpuUsage.TotalTime - before);
        Assert.True(took <= Limit || worked <= Limit, $"it took {took}, of which {worked} was work");
        return response;
    }
}

/// <summary>One server for the whole set, and tests that run beside no others.</summary>
[CollectionDefinition(nameof(HostileUploads), DisableParallelization = true)]
public sealed class HostileUploads : IAsyncLifetime, ICollectionFixture<HostileUploads>
{
    internal UpdraftServer Server { get; private set; } = null!;

    internal UploadSite Site { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await UpdraftServer.StartAsync();
        Site = await UploadSite.CreateAsync(Server);
        // Whatever a first upload makes for good, such as folders, is there before any is compared.
        using var first = await Site.PutAsync([1, 2, 3]);
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    /// <summary>Every blob, and every row that an upload could write.</summary>
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
