using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Updraft.Server.Storage;

/// <summary>The blob store and its limits; section <c>Storage</c>.</summary>
internal sealed class StorageOptions
{
    /// <summary>
    /// URL of the blob store: <c>s3://BUCKET/PREFIX?region=…</c> or <c>azure://ACCOUNT/CONTAINER/PREFIX</c>; empty for the data directory. See
    /// <see cref="BlobStoreUrl"/>.
    /// </summary>
    public string? Url { get; set; }

    /// <summary>Access key for S3. Without one, the server uses the default credentials of the AWS SDK.</summary>
    public string? AccessKey { get; set; }

    /// <summary>Secret that belongs to <see cref="AccessKey"/>.</summary>
    public string? SecretKey { get; set; }

    /// <summary>Connection string for Azure. Without one, the server uses the default credential of the Azure SDK.</summary>
    public string? AzureConnectionString { get; set; }

    /// <summary>Whether the server redirects agents to the object store for packs, with URLs that are valid for five minutes. Default true.</summary>
    public bool Redirect { get; set; } = true;

    /// <summary>
    /// Free bytes that uploads leave on the disk of the data directory, so that the database can still write. Default 256 MiB; 0 for none; at most
    /// 1 TiB.
    /// </summary>
    [Range(0L, 1024L * 1024 * 1024 * 1024)]
    public long ReserveBytes { get; set; } = 256L * 1024 * 1024;

    /// <summary>Checks that the settings match each other. No message contains a secret.</summary>
    internal sealed class Validator : IValidateOptions<StorageOptions>
    {
        public ValidateOptionsResult Validate(string? name, StorageOptions options)
        {
            var problems = new List<string>();
            try
            {
                var url = BlobStoreUrl.Of(options);
                var isS3 = url is S3Url;
                if (!isS3 && !string.IsNullOrEmpty(options.AccessKey + options.SecretKey))
                    problems.Add("Storage:AccessKey and Storage:SecretKey are for S3. Set Storage:Url to s3://BUCKET?region=REGION, or remove both.");
                if (isS3 && string.IsNullOrEmpty(options.AccessKey) != string.IsNullOrEmpty(options.SecretKey))
                    problems.Add("Only one of Storage:AccessKey and Storage:SecretKey is set. Set both, or neither for the default credentials of the AWS SDK.");
                if (url is AzureUrl azure && !string.IsNullOrEmpty(options.AzureConnectionString))
                    AzureBlobStore.CheckConnection(options.AzureConnectionString, azure);
                if (url is not AzureUrl && !string.IsNullOrEmpty(options.AzureConnectionString))
                    problems.Add("Storage:AzureConnectionString names no container. Set Storage:Url to azure://ACCOUNT/CONTAINER, or remove the connection string.");
            }
            catch (FormatException exception)
            {
                problems.Add(exception.Message);
            }
            return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
        }
    }
}

/// <summary>The settings of the storage that limit requests, as messages and metrics name them.</summary>
internal static class StorageLimits
{
    public const string ReserveBytes = "Storage:" + nameof(StorageOptions.ReserveBytes);

    public static readonly IReadOnlyList<string> All = [ReserveBytes];
}
