using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Storage;

namespace Updraft.Server.Tests.Storage;

/// <summary>
/// Runs the contract on moto, which does not verify signatures, or on the endpoint in <c>UPDRAFT_TEST_S3</c>, which should.
/// </summary>
[Trait("Runs", "ci")] // Sends thousands of requests to an object store.
public sealed class S3BlobStoreTests : ObjectStoreContract
{
    private protected override bool ChecksSignatures => Environment.GetEnvironmentVariable("UPDRAFT_TEST_S3") is { Length: > 0 };

    [Fact]
    public async Task Bucket_with_versioning_returns_only_the_newest_version()
    {
        var url = (S3Url)BlobStoreUrl.Of(Options);
        using var client = S3Client.Open(url, Options);
        await EnsureBucketAsync(client, "updraft-versions");
        await client.PutBucketVersioningAsync(new PutBucketVersioningRequest
        {
            BucketName = "updraft-versions",
            VersioningConfig = new S3BucketVersioningConfig { Status = VersionStatus.Enabled },
        }, TestContext.Current.CancellationToken);
        await using var services = Open(new StorageOptions
        {
            Url = Options.Url!.Replace("//updraft/", "//updraft-versions/", StringComparison.Ordinal),
            AccessKey = Options.AccessKey,
            SecretKey = Options.SecretKey,
        });
        var store = services.GetRequiredService<IBlobStore>();
        foreach (var text in (string[])["one", "longer"])
        {
            await using var blob = await store.CreateAsync("packs/one", TestContext.Current.CancellationToken);
            blob.Content.Write(System.Text.Encoding.UTF8.GetBytes(text));
            await blob.CommitAsync(TestContext.Current.CancellationToken);
        }
        Assert.Equal(6, await store.LengthAsync("packs/one", TestContext.Current.CancellationToken));

        await store.DeleteAllAsync("packs/", TestContext.Current.CancellationToken);

        Assert.Null(await store.LengthAsync("packs/one", TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<FileNotFoundException>(() => store.OpenAsync("packs/one", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Wrong_keys_are_reported_as_rejected()
    {
        if (!ChecksSignatures)
            return;
        await using var services = Open(new StorageOptions { Url = Options.Url, AccessKey = "unknown", SecretKey = "wrong" });
        await AssertFailsAsync(services.GetRequiredService<IBlobStore>(), "rejects the server's credentials");
    }

    private protected override Task<Dictionary<string, string>> SettingsAsync() => ObjectStores.S3Async();

    private protected override async Task PrepareAsync()
    {
        using var client = S3Client.Open((S3Url)BlobStoreUrl.Of(Options), Options);
        await EnsureBucketAsync(client, "updraft");
    }

    private protected override StorageOptions Unreachable(StorageOptions options) => new()
    {
        Url = "s3://updraft/elsewhere?endpoint=http://127.0.0.1:9",
        AccessKey = "testing",
        SecretKey = "testing",
    };

    private static async Task EnsureBucketAsync(AmazonS3Client client, string bucket)
    {
        var buckets = await client.ListBucketsAsync(TestContext.Current.CancellationToken);
        if (buckets.Buckets?.Any(found => found.BucketName == bucket) is not true)
            await client.PutBucketAsync(bucket, TestContext.Current.CancellationToken);
    }
}
