using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Updraft.Server.Storage;

/// <summary>Where blobs are kept, and limits; section <c>Storage</c>.</summary>
internal sealed class StorageOptions
{
    /// <summary>
    /// Where blobs are kept: empty for the data folder, <c>s3://BUCKET/PREFIX?region=…</c> or <c>azure://ACCOUNT/CONTAINER/PREFIX</c>.
    /// See <see cref="BlobStoreUrl"/>.
    /// </summary>
    public string? Url { get; set; }

    /// <summary>Access key for S3; without one the default chain of the AWS SDK is asked.</summary>
    public string? AccessKey { get; set; }

    /// <summary>Secret that belongs to <see cref="AccessKey"/>.</summary>
    public string? SecretKey { get; set; }

    /// <summary>Connection string for Azure; without one the default credential of the Azure SDK is asked.</summary>
    public string? AzureConnectionString { get; set; }

    /// <summary>Whether agents fetch packs from an object store by addresses that work for five minutes, rather than through the server.</summary>
    public bool Redirect { get; set; } = true;

    /// <summary>
    /// Free bytes that uploads leave on the disk of the data folder, so that everything else goes on; 256 MiB by default, 0 for none,
    /// at most 1 TiB.
    /// </summary>
    [Range(0L, 1024L * 1024 * 1024 * 1024)]
    public long ReserveBytes { get; set; } = 256L * 1024 * 1024;

    /// <summary>Checks what belongs together; no message repeats a secret.</summary>
    internal sealed class Validator : IValidateOptions<StorageOptions>
    {
        public ValidateOptionsResult Validate(string? name, StorageOptions options)
        {
            var problems = new List<string>();
            try
            {
                var address = BlobStoreUrl.Of(options);
                var isS3 = address is S3Url;
                if (!isS3 && !string.IsNullOrEmpty(options.AccessKey + options.SecretKey))
                    problems.Add("Storage:AccessKey and Storage:SecretKey are for S3; set Storage:Url to s3://BUCKET?region=REGION, or remove them.");
                if (isS3 && string.IsNullOrEmpty(options.AccessKey) != string.IsNullOrEmpty(options.SecretKey))
                    problems.Add("Set both Storage:AccessKey and Storage:SecretKey, or neither to use the AWS SDK's default credentials.");
                if (address is AzureUrl azure && !string.IsNullOrEmpty(options.AzureConnectionString))
                    AzureBlobStore.CheckConnection(options.AzureConnectionString, azure);
                if (address is not AzureUrl && !string.IsNullOrEmpty(options.AzureConnectionString))
                    problems.Add("Storage:AzureConnectionString names no container; set Storage:Url to azure://ACCOUNT/CONTAINER, or remove it.");
            }
            catch (FormatException exception)
            {
                problems.Add(exception.Message);
            }
            return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
        }
    }
}
