using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Api;
using Updraft.Server.Storage;

namespace Updraft.Server.Tests.Storage;

/// <summary>The contract of object stores, in addition to <see cref="BlobStoreContract"/>.</summary>
public abstract class ObjectStoreContract : BlobStoreContract, IAsyncLifetime
{
    private readonly string _data = Directory.CreateTempSubdirectory("updraft-store-").FullName;
    private ServiceProvider _services = null!;

    private protected override IBlobStore Store => _services.GetRequiredService<IBlobStore>();

    private protected StorageOptions Options { get; private set; } = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Options = TestStorage.Options(await SettingsAsync());
        _services = Open(Options);
        await PrepareAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        Directory.Delete(_data, recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Spool_directory_stays_empty_even_during_a_write()
    {
        await using var blob = await Store.CreateAsync("packs/one", Cancelled);
        blob.Content.Write(new byte[1_000_000]);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Join(_data, FreeSpace.SpoolDirectory)));
        await blob.CommitAsync(Cancelled);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Join(_data, FreeSpace.SpoolDirectory)));
    }

    [Fact]
    public async Task Keys_are_below_the_prefix_and_other_prefixes_stay_unchanged()
    {
        var neighbour = new StorageOptions
        {
            Url = Neighbour(Options.Url!),
            AccessKey = Options.AccessKey,
            SecretKey = Options.SecretKey,
            AzureConnectionString = Options.AzureConnectionString,
        };
        await using var services = Open(neighbour);
        await using (var blob = await services.GetRequiredService<IBlobStore>().CreateAsync("packs/one", Cancelled))
        {
            blob.Content.Write("theirs"u8);
            await blob.CommitAsync(Cancelled);
        }
        await WriteAsync("packs/one", "ours");

        await Store.DeleteAllAsync("packs/", Cancelled);

        Assert.Empty(await FootprintAsync());
        Assert.Equal(["packs/one"], await TestStorage.ListAsync(neighbour));
    }

    [Fact]
    public async Task Unreachable_store_is_reported()
    {
        await using var services = Open(Unreachable(Options));
        var store = services.GetRequiredService<IBlobStore>();
        await AssertFailsAsync(store, "cannot reach its object store");
    }

    [Fact]
    public async Task Missing_container_or_bucket_is_reported()
    {
        var missing = TestStorage.Options(await SettingsAsync());
        missing.Url = missing.Url!.Replace("/updraft/", "/no-such-place/", StringComparison.Ordinal);
        await using var services = Open(missing);
        var store = services.GetRequiredService<IBlobStore>();
        var failure = await Assert.ThrowsAsync<BlobStoreException>(() => store.OpenAsync("packs/one", Cancelled));
        Assert.Contains("Storage:Url", failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<BlobStoreException>(() => store.CheckAsync(Cancelled));
        await Assert.ThrowsAsync<BlobStoreException>(() => store.DeleteAllAsync("packs/", Cancelled));
    }

    private protected override async Task<IReadOnlyList<string>> FootprintAsync() => await TestStorage.ListAsync(Options);

    private protected override async Task AssertSharesNothingElseAsync(HttpClient http, Uri url)
    {
        if (!ChecksSignatures)
            return;
        foreach (var wrong in (string[])[
            url.AbsoluteUri.Replace("packs/one", "packs/two", StringComparison.Ordinal),
            url.GetLeftPart(UriPartial.Path),
            url.AbsoluteUri[..^2] + (url.AbsoluteUri.EndsWith("00", StringComparison.Ordinal) ? "11" : "00")])
        {
            using var refused = await http.GetAsync(new Uri(wrong), Cancelled);
            Assert.True(refused.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized or HttpStatusCode.NotFound,
                $"{wrong}: {refused.StatusCode}");
        }
        using var overwritten = await http.PutAsync(url, new StringContent("evil"), Cancelled);
        Assert.False(overwritten.IsSuccessStatusCode);
        using var deleted = await http.DeleteAsync(url, Cancelled);
        Assert.False(deleted.IsSuccessStatusCode);
        Assert.Equal("0123456789", await ReadAsync("packs/one"));
    }

    private protected static async Task AssertFailsAsync(IBlobStore store, string text)
    {
        foreach (var call in (Func<Task>[])[
            () => store.OpenAsync("packs/one", Cancelled),
            () => store.LengthAsync("packs/one", Cancelled),
            () => store.DeleteAsync("packs/one", Cancelled),
            () => store.DeleteAllAsync("packs/", Cancelled),
            () => store.CheckAsync(Cancelled),
            async () =>
            {
                await using var blob = await store.CreateAsync("packs/one", Cancelled);
                await blob.CommitAsync(Cancelled);
            }])
        {
            var failure = await Assert.ThrowsAsync<BlobStoreException>(call);
            Assert.Contains(text, failure.Message, StringComparison.Ordinal);
            Assert.Equal(503, StorageFailure.Of(new InvalidOperationException("around it", failure))?.StatusCode);
        }
    }

    /// <summary>Settings with a prefix that no other test uses.</summary>
    private protected abstract Task<Dictionary<string, string>> SettingsAsync();

    /// <summary>Settings of the same store with an unreachable endpoint.</summary>
    private protected abstract StorageOptions Unreachable(StorageOptions options);

    private protected virtual bool ChecksSignatures => true;

    private protected virtual Task PrepareAsync() => Task.CompletedTask;

    private protected ServiceProvider Open(StorageOptions options)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(settings: null);
        var services = builder.Services;
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<Microsoft.Extensions.Configuration.IConfiguration>(
            new Microsoft.Extensions.Configuration.ConfigurationBuilder().Build());
        services.Configure<ServerOptions>(server => server.Data = _data);
        builder.AddStorage();
        services.AddSingleton(Microsoft.Extensions.Options.Options.Create(options));
        return services.BuildServiceProvider();
    }

    private static string Neighbour(string url)
    {
        var parameters = url.IndexOf('?', StringComparison.Ordinal);
        return parameters < 0 ? url + "more" : url[..parameters] + "more" + url[parameters..];
    }
}
