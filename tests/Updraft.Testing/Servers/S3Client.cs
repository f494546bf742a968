using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Updraft.Server.Storage;

namespace Updraft.Testing;

/// <summary>Looks into a bucket past the server.</summary>
internal static class S3Client
{
    public static AmazonS3Client Open(S3Url address, StorageOptions options)
    {
        var config = new AmazonS3Config
        {
            ServiceURL = address.Endpoint!.AbsoluteUri,
            ForcePathStyle = true,
            AuthenticationRegion = "us-east-1",
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        return options.AccessKey is null ? new AmazonS3Client(config) : new AmazonS3Client(new BasicAWSCredentials(options.AccessKey, options.SecretKey), config);
    }

    /// <summary>Keys of the objects below the address, and of uploads in parts that have not ended.</summary>
    public static async Task<List<string>> ListAsync(AmazonS3Client client, S3Url address)
    {
        var names = new List<string>();
        var request = new ListObjectsV2Request { BucketName = address.Bucket, Prefix = address.Prefix };
        ListObjectsV2Response page;
        do
        {
            page = await client.ListObjectsV2Async(request, TestContext.Current.CancellationToken);
            names.AddRange((page.S3Objects ?? []).Select(found => found.Key));
            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated is true);
        var open = await client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = address.Bucket, Prefix = address.Prefix }, TestContext.Current.CancellationToken);
        names.AddRange((open.MultipartUploads ?? []).Where(upload => upload.Key.StartsWith(address.Prefix, StringComparison.Ordinal)).Select(upload => upload.Key + " (parts)"));
        return names;
    }
}
