using Updraft.Server.Storage;

namespace Updraft.Server.Tests.Storage;

/// <summary>The settings of the section <c>Storage</c>.</summary>
public sealed class StoreOptionTests
{
    [Theory]
    [InlineData(null, "")]
    [InlineData("", "")]
    [InlineData("s3://deploys?region=eu-central-1", "deploys|||eu-central-1|False")]
    [InlineData("s3://deploys/team/a/?region=eu-central-1", "deploys|team/a/||eu-central-1|False")]
    [InlineData("s3://deploys/x?endpoint=https://s3.example.org", "deploys|x/|https://s3.example.org/||True")]
    [InlineData("s3://deploys/x?endpoint=https%3A%2F%2Fs3.example.org:9000&region=local&pathStyle=false",
        "deploys|x/|https://s3.example.org:9000/|local|False")]
    [InlineData("azure://account1/deploys", "account1|https://account1.blob.core.windows.net/|deploys|")]
    [InlineData("azure://account1/deploys/team/b", "account1|https://account1.blob.core.windows.net/|deploys|team/b/")]
    [InlineData("https://account1.blob.core.windows.net/deploys/x", "account1|https://account1.blob.core.windows.net/|deploys|x/")]
    public void Valid_storage_URL_is_parsed(string? url, string expected)
    {
        var text = BlobStoreUrl.Of(new StorageOptions { Url = url }) switch
        {
            S3Url s3 => $"{s3.Bucket}|{s3.Prefix}|{s3.Endpoint}|{s3.Region}|{s3.PathStyle}",
            AzureUrl azure => $"{azure.Account}|{azure.Service}|{azure.Container}|{azure.Prefix}",
            _ => "",
        };
        Assert.Equal(expected, text);
    }

    [Theory]
    [InlineData("deploys", "not a URL")]
    [InlineData("/var/lib/blobs", "file")]
    [InlineData("gs://deploys", "scheme 'gs'")]
    [InlineData("https://example.org/deploys", "not a supported object store")]
    [InlineData("http://account1.blob.core.windows.net/deploys", "scheme 'http'")]
    [InlineData("s3://deploys", "neither a region nor an endpoint")]
    [InlineData("s3://?region=eu-central-1", "names no bucket")]
    [InlineData("s3://deploys?regoin=eu-central-1", "'regoin'")]
    [InlineData("s3://deploys?region=EU Central", "region")]
    [InlineData("s3://deploys?endpoint=s3.example.org", "endpoint")]
    [InlineData("s3://deploys?endpoint=https://s3.example.org&pathStyle=maybe", "pathStyle")]
    [InlineData("s3://deploys/..%2Fother?region=eu-central-1", "prefix")]
    [InlineData("s3://deploys/a b?region=eu-central-1", "prefix")]
    [InlineData("s3://key:secret@deploys?region=eu-central-1", "credentials")]
    [InlineData("azure://account1", "names no container")]
    [InlineData("azure://account1/Deploys", "names no container")]
    [InlineData("azure://my-account/deploys", "names no storage account")]
    [InlineData("https://account1.blob.core.windows.net/deploys?sv=2024&sig=secret", "Storage:AzureConnectionString")]
    public void Invalid_storage_URL_is_rejected_with_the_valid_forms(string url, string expected)
    {
        var message = Rejection(new StorageOptions { Url = url });
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains("s3://BUCKET", message, StringComparison.Ordinal);
        Assert.Contains("azure://ACCOUNT", message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Incomplete_or_mismatched_keys_are_rejected()
    {
        Assert.Contains("are for S3", Rejection(new StorageOptions { AccessKey = "a", SecretKey = "hidden" }), StringComparison.Ordinal);
        Assert.Contains("Set both", Rejection(new StorageOptions { Url = "s3://deploys?region=eu-central-1", AccessKey = "a" }),
            StringComparison.Ordinal);
        Assert.Contains("Set both", Rejection(new StorageOptions { Url = "s3://deploys?region=eu-central-1", SecretKey = "hidden" }),
            StringComparison.Ordinal);
        Assert.Contains("names no container", Rejection(new StorageOptions { AzureConnectionString = "AccountKey=hidden" }),
            StringComparison.Ordinal);
        Assert.Contains("malformed", Rejection(new StorageOptions
        {
            Url = "azure://account1/deploys",
            AzureConnectionString = "AccountKey=hidden",
        }), StringComparison.Ordinal);
        Assert.Contains("account 'other1'", Rejection(new StorageOptions
        {
            Url = "azure://account1/deploys",
            AzureConnectionString = "DefaultEndpointsProtocol=https;AccountName=other1;AccountKey=aGlkZGVu;EndpointSuffix=core.windows.net",
        }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_with_an_invalid_storage_URL_does_not_start()
    {
        var failure = await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(() => UpdraftServer.StartAsync(
            settings: new Dictionary<string, string>(StringComparer.Ordinal) { ["Storage:Url"] = "s3://deploys" }));
        Assert.Contains("neither a region nor an endpoint", failure.Message, StringComparison.Ordinal);
    }

    private static string Rejection(StorageOptions options)
    {
        var result = new StorageOptions.Validator().Validate(name: null, options);
        Assert.True(result.Failed);
        Assert.DoesNotContain("hidden", result.FailureMessage, StringComparison.Ordinal);
        return result.FailureMessage!;
    }
}
