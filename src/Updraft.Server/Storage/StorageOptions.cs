using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Updraft.Server.Storage;

/// <summary>The store of blobs: the data directory, Amazon S3, a compatible store, or Azure Blob Storage.</summary>
internal sealed class StorageOptions
{
    public const string Section = "Storage";

    /// <summary>URL of the object store. The server does not create the bucket or container. Default: the data directory.</summary>
    /// <value>
    /// <c>s3://BUCKET/PREFIX?region=REGION</c>, <c>s3://BUCKET/PREFIX?endpoint=https://HOST</c>, <c>azure://ACCOUNT/CONTAINER/PREFIX</c> or
    /// <c>https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX</c>
    /// </value>
    public string? Url { get; set; }

    /// <summary>Access key ID for S3. Default: the credential chain of the AWS SDK.</summary>
    public string? AccessKey { get; set; }

    /// <summary>
    /// Secret access key for S3. Set it together with <see cref="AccessKey"/>. Prefer the environment variable to the command line.
    /// Default: the credential chain of the AWS SDK.
    /// </summary>
    public string? SecretKey { get; set; }

    /// <summary>
    /// Connection string of the Azure storage account. Prefer the environment variable to the command line. Default: the default
    /// credential of the Azure SDK.
    /// </summary>
    public string? AzureConnectionString { get; set; }

    /// <summary>
    /// Whether agents download packs directly from the object store, with signed URLs that are valid for five minutes. If <c>false</c>,
    /// the server forwards the packs. It has no effect on the data directory.
    /// </summary>
    public bool Redirect { get; set; } = true;

    /// <summary>
    /// Bytes that uploads leave free on the disk of the data directory. The server rejects an upload that needs them with a 507, before it
    /// reads the body. This also applies with an object store, because uploads are staged on the disk. <c>0</c> turns the reserve off.
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
                    problems.Add("Storage:AccessKey and Storage:SecretKey are for S3. "
                        + "Set Storage:Url to s3://BUCKET?region=REGION, or remove both.");
                if (isS3 && string.IsNullOrEmpty(options.AccessKey) != string.IsNullOrEmpty(options.SecretKey))
                    problems.Add("Only one of Storage:AccessKey and Storage:SecretKey is set. "
                        + "Set both, or neither for the default credentials of the AWS SDK.");
                if (url is AzureUrl azure && !string.IsNullOrEmpty(options.AzureConnectionString))
                    AzureBlobStore.CheckConnection(options.AzureConnectionString, azure);
                if (url is not AzureUrl && !string.IsNullOrEmpty(options.AzureConnectionString))
                    problems.Add("Storage:AzureConnectionString names no container. "
                        + "Set Storage:Url to azure://ACCOUNT/CONTAINER, or remove the connection string.");
            }
            catch (FormatException exception)
            {
                problems.Add(exception.Message);
            }
            return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
        }
    }
}
