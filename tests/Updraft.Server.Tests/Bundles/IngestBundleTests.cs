using System.Text;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Deployments;

namespace Updraft.Server.Tests.Bundles;

public sealed class IngestBundleTests : IAsyncLifetime
{
    private BundleFixture _bundles = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Version_records_the_uploaded_tree()
    {
        var version = await _bundles.IngestAsync(new TarBuilder().File("dags/a.py", "abc").File("dags/b.py", "defg").ToArray());
        var stored = await _bundles.QueryAsync(db => db.BundleVersions.SingleAsync(Cancelled));

        Assert.Equal((2, 7L, true), (version.Files, version.Bytes, version.HasDagsFolder));
        Assert.Equal((_bundles.Deployment, _bundles.Deploy, BundlePurpose.Dags), (version.DeploymentId, version.DeployId, version.Purpose));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$", version.Version);
        Assert.Equivalent(version, stored);
    }

    [Fact]
    public async Task Only_a_top_level_directory_counts_as_dags()
    {
        Assert.False((await _bundles.IngestAsync(new TarBuilder().File("dags").ToArray())).HasDagsFolder);
        Assert.False((await _bundles.IngestAsync(new TarBuilder().File("sub/dags/a").ToArray())).HasDagsFolder);
        Assert.True((await _bundles.IngestAsync(new TarBuilder().Folder("dags").ToArray())).HasDagsFolder);
    }

    [Fact]
    public async Task Contents_can_be_read_back_from_the_pack()
    {
        var version = await _bundles.IngestAsync(new TarBuilder()
            .File("a", "first").File("b/c", "second", 0x1ed).Folder("d").File("e", "").ToArray());
        var tree = await _bundles.ReadTreeAsync(version);

        Assert.Equal("a b b/c d e", string.Join(' ', tree.Keys));
        Assert.Equal((false, "first"), tree["a"]);
        Assert.Equal((true, "second"), tree["b/c"]);
        Assert.Equal((false, ""), tree["e"]);
    }

    [Fact]
    public async Task Pack_has_an_index_of_its_contents()
    {
        var version = await _bundles.IngestAsync(new TarBuilder().File("a", "first").File("b", "second").ToArray());
        await using var pack = await _bundles.Store.OpenAsync($"packs/{_bundles.Deployment}/{version.PackId}", Cancelled);

        Assert.Equal([Digest.Of("first"u8), Digest.Of("second"u8)], PackReader.ReadIndex(pack).Select(entry => entry.Content));
    }

    [Fact]
    public async Task Second_upload_stores_only_the_changed_file()
    {
        await _bundles.IngestAsync(ManyFiles(600, changed: -1));
        var second = await _bundles.IngestAsync(ManyFiles(600, changed: 300));
        await using var pack = await _bundles.Store.OpenAsync($"packs/{_bundles.Deployment}/{second.PackId}", Cancelled);

        Assert.Equal(Digest.Of("changed"u8), Assert.Single(PackReader.ReadIndex(pack)).Content);
        Assert.Equal(601, await _bundles.QueryAsync(db => db.BundleContents.CountAsync(Cancelled)));
        Assert.Equal("content 599", (await _bundles.ReadTreeAsync(second))["f599"].Content);
    }

    [Fact]
    public async Task Identical_upload_adds_only_a_version()
    {
        var first = await _bundles.IngestAsync(ManyFiles(10, changed: -1));
        var files = await _bundles.FootprintAsync();
        var second = await _bundles.IngestAsync(ManyFiles(10, changed: -1));

        Assert.Null(second.PackId);
        Assert.Equal(first.ManifestDigest, second.ManifestDigest);
        Assert.True(string.CompareOrdinal(second.Version, first.Version) > 0);
        Assert.Equal(files.Replace("1 versions", "2 versions", StringComparison.Ordinal), await _bundles.FootprintAsync());
    }

    [Fact]
    public async Task Repeated_content_of_an_archive_is_stored_once()
    {
        var large = new string('x', 1_500_000);
        var version = await _bundles.IngestAsync(new TarBuilder()
            .File("a", "same").File("b", "same").File("c", large).File("d", large).ToArray());
        await using var pack = await _bundles.Store.OpenAsync($"packs/{_bundles.Deployment}/{version.PackId}", Cancelled);

        Assert.Equal(2, PackReader.ReadIndex(pack).Count);
        Assert.Equal(4, version.Files);
    }

    [Fact]
    public async Task Content_is_not_shared_across_Deployments()
    {
        var other = new DeploymentId(EntityId.New(TimeProvider.System));
        await _bundles.AddDeploymentAsync(other);
        await _bundles.IngestAsync(ManyFiles(10, changed: -1));
        var version = await _bundles.IngestAsync(new MemoryStream(ManyFiles(10, changed: -1)), deployment: other);

        Assert.NotNull(version.PackId);
        Assert.Equal(10, await _bundles.QueryAsync(db => db.BundleContents.CountAsync(row => row.DeploymentId == other, Cancelled)));
        Assert.Equal("content 3", (await _bundles.ReadTreeAsync(version))["f3"].Content);
    }

    [Fact]
    public async Task Large_content_is_streamed_to_the_pack()
    {
        var large = Noise(20 * 1024 * 1024);
        var version = await _bundles.IngestAsync(TarBuilder.Gzip(new TarBuilder()
            .File("before").File(TarBuilder.Text("large"), large).File("after", "y").ToArray()));
        var tree = await _bundles.ReadTreeAsync(version);

        Assert.True(Encoding.Latin1.GetString(large) == tree["large"].Content);
        Assert.Equal("y", tree["after"].Content);
    }

    [Fact]
    public async Task Known_large_content_is_not_stored_again()
    {
        var large = Noise(5 * 1024 * 1024);
        await _bundles.IngestAsync(new TarBuilder().File(TarBuilder.Text("large"), large).ToArray());
        var version = await _bundles.IngestAsync(new TarBuilder()
            .File("new", "1").File(TarBuilder.Text("large"), large).File("newer", "2").ToArray());

        Assert.InRange(await _bundles.PackLengthAsync(version), 1, 1000);
        Assert.True(Encoding.Latin1.GetString(large) == (await _bundles.ReadTreeAsync(version))["large"].Content);
    }

    [Fact]
    public async Task Concurrent_uploads_get_different_versions_in_order()
    {
        var uploads = Enumerable.Range(0, 6).Select(i => Task.Run(() => _bundles.IngestAsync(ManyFiles(300, changed: i)), Cancelled));
        var versions = await Task.WhenAll(uploads);
        var stored = await _bundles.QueryAsync(db =>
            db.BundleVersions.OrderBy(row => row.Version).Select(row => row.Version).ToListAsync(Cancelled));

        Assert.Equal(6, stored.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(stored, versions.Select(version => version.Version).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        foreach (var version in versions)
            Assert.Equal(300, (await _bundles.ReadTreeAsync(version)).Count);
    }

    [Fact]
    public async Task Version_increases_even_if_the_clock_goes_back()
    {
        await _bundles.QueryAsync(async db =>
        {
            var deployment = await db.Deployments.SingleAsync(Cancelled);
            deployment.NextVersion(new DateTimeOffset(2999, 1, 1, 0, 0, 0, TimeSpan.Zero));
            return await db.SaveChangesAsync(Cancelled);
        });

        Assert.Equal("2999-01-01T00:00:00.0000001Z", (await _bundles.IngestAsync(ManyFiles(1, -1))).Version);
        Assert.Equal("2999-01-01T00:00:00.0000002Z", (await _bundles.IngestAsync(ManyFiles(1, -1))).Version);
    }

    [Fact]
    public async Task Rejected_upload_records_nothing_and_deletes_its_pack()
    {
        var before = await _bundles.FootprintAsync();
        var rejection = ApiException.BadRequest("The deploy is closed.");

        var thrown = await Assert.ThrowsAsync<ApiException>(() =>
            _bundles.IngestAsync(new MemoryStream(ManyFiles(10, -1)), (_, _) => throw rejection));

        Assert.Same(rejection, thrown);
        Assert.Empty(Directory.EnumerateFiles(Path.Join(_bundles.Data, "blobs", "packs"), "*", SearchOption.AllDirectories));
        Assert.StartsWith("0 versions, 0 contents", await _bundles.FootprintAsync(), StringComparison.Ordinal);
        Assert.StartsWith("0 versions, 0 contents", before, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rejected_upload_can_be_repeated()
    {
        await Assert.ThrowsAsync<ApiException>(() =>
            _bundles.IngestAsync(new MemoryStream(ManyFiles(10, -1)), (_, _) => throw ApiException.BadRequest("no")));
        var version = await _bundles.IngestAsync(ManyFiles(10, -1));

        Assert.Equal(10, (await _bundles.ReadTreeAsync(version)).Count);
    }

    [Fact]
    public async Task Changes_of_the_admission_belong_to_the_same_transaction()
    {
        var version = await _bundles.IngestAsync(new MemoryStream(ManyFiles(1, -1)), async (db, token) =>
            (await db.LockDeploymentAsync(_bundles.Deployment, token)).Description = "admitted");

        Assert.Equal("admitted", await _bundles.QueryAsync(db => db.Deployments.Select(row => row.Description).SingleAsync(Cancelled)));
        Assert.NotNull(version);
    }

    [Fact]
    public async Task Upload_to_a_deleted_Deployment_leaves_no_pack_and_returns_404()
    {
        var rejection = await Assert.ThrowsAsync<ApiException>(() =>
            _bundles.IngestAsync(new MemoryStream(ManyFiles(1, -1)), deployment: new DeploymentId(EntityId.New(TimeProvider.System))));

        Assert.Equal(404, rejection.StatusCode);
        Assert.Empty(Directory.EnumerateFiles(Path.Join(_bundles.Data, "blobs", "packs"), "*", SearchOption.AllDirectories));
    }

    public async ValueTask InitializeAsync() => _bundles = await BundleFixture.CreateAsync();

    public ValueTask DisposeAsync() => _bundles.DisposeAsync();

    private static byte[] ManyFiles(int count, int changed)
    {
        var tar = new TarBuilder();
        for (var i = 0; i < count; i++)
            tar.File($"f{i}", i == changed ? "changed" : $"content {i}");
        return tar.ToArray();
    }

    private static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
