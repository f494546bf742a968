using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Updraft.Server.Tests.Uploads;

/// <summary>Uploads with clients of other vendors, unchanged.</summary>
public sealed class BlobClientTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private readonly UpdraftServer _server = fixture.Server;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Azure_library_uploads_in_one_request()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var archive = new MemoryStream(UploadSite.Tar("one"));
        var response = await new BlockBlobClient(new Uri(site.Url)).UploadAsync(archive, cancellationToken: Cancellation);
        Assert.Equal([response.Value.VersionId], await site.RecordedAsync());
        Assert.Equal(response.Value.VersionId, (await site.FinalizeAsync(response.Value.VersionId)).Text("dagTarballVersion"));
    }

    [Fact]
    public async Task Azure_library_uploads_in_blocks()
    {
        var site = await UploadSite.CreateAsync(_server);
        var bytes = UploadSite.LargeTar(3_000_000);
        using var whole = await site.PutAsync(bytes);
        using var archive = new MemoryStream(bytes);
        var options = new BlobUploadOptions
        {
            TransferOptions = new StorageTransferOptions
            {
                InitialTransferSize = 100_000,
                MaximumTransferSize = 250_000,
                MaximumConcurrency = 4,
            },
        };

        var response = await new BlockBlobClient(new Uri(site.Url)).UploadAsync(archive, options, Cancellation);

        Assert.Equal(whole.Headers.ETag!.Tag, response.Value.ETag.ToString("H"));
        // 13 blocks, and the length of the archive.
        Assert.Equal(14, (await UploadSite.BlobsAsync(_server, site.DeployId)).Count);
        await site.FinalizeAsync(response.Value.VersionId);
    }

    [Fact]
    public async Task Azure_library_stages_and_commits_blocks()
    {
        var site = await UploadSite.CreateAsync(_server);
        var client = new BlockBlobClient(new Uri(site.Url));
        var archive = UploadSite.Tar("one");
        var ids = Enumerable.Range(0, 4).Select(i => Convert.ToBase64String(Encoding.UTF8.GetBytes($"{i:d48}+/"))).ToArray();
        foreach (var (id, block) in ids.Zip(archive.Chunk((archive.Length + 3) / 4)))
        {
            using var stream = new MemoryStream(block);
            await client.StageBlockAsync(id, stream, new BlockBlobStageBlockOptions
            {
                TransferValidation = new UploadTransferValidationOptions { ChecksumAlgorithm = StorageChecksumAlgorithm.MD5 },
            }, Cancellation);
        }

        var response = await client.CommitBlockListAsync(ids, cancellationToken: Cancellation);

        Assert.Equal([response.Value.VersionId], await site.RecordedAsync());
    }

    [Fact]
    public async Task Azure_library_does_not_overwrite_an_upload()
    {
        var site = await UploadSite.CreateAsync(_server);
        var client = new BlockBlobClient(new Uri(site.Url));
        var options = new BlobUploadOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All } };
        using var archive = new MemoryStream(UploadSite.Tar("one"));
        var first = await client.UploadAsync(archive, options, Cancellation);

        archive.Position = 0;
        var refused = await Assert.ThrowsAsync<RequestFailedException>(() => client.UploadAsync(archive, options, Cancellation));
        var properties = await client.GetPropertiesAsync(cancellationToken: Cancellation);
        var exists = await client.ExistsAsync(Cancellation);

        Assert.Equal((409, "BlobAlreadyExists"), (refused.Status, refused.ErrorCode));
        Assert.Equal((first.Value.VersionId, archive.Length, first.Value.ETag),
            (properties.Value.VersionId, properties.Value.ContentLength, properties.Value.ETag));
        Assert.True(exists.Value);
        Assert.Equal([first.Value.VersionId], await site.RecordedAsync());
    }

    [Fact]
    public async Task Azure_library_parses_the_errors()
    {
        var site = await UploadSite.CreateAsync(_server);
        var client = new BlockBlobClient(new Uri(site.Url));
        var unknown = await Assert.ThrowsAsync<RequestFailedException>(() =>
            client.CommitBlockListAsync(["AAAA"], cancellationToken: Cancellation));
        var forged = await Assert.ThrowsAsync<RequestFailedException>(() =>
            new BlockBlobClient(new Uri(site.Url + "0")).CommitBlockListAsync(["AAAA"], cancellationToken: Cancellation));

        Assert.Equal((400, "InvalidBlockList"), (unknown.Status, unknown.ErrorCode));
        Assert.Equal((403, "AuthenticationFailed"), (forged.Status, forged.ErrorCode));
        Assert.Contains("The block 'AAAA' was not staged", unknown.Message);
    }

    [Fact]
    public async Task Azure_library_parses_the_error_of_an_invalid_archive()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var nothing = new MemoryStream("<html>"u8.ToArray());
        var refused = await Assert.ThrowsAsync<RequestFailedException>(() =>
            new BlockBlobClient(new Uri(site.Url)).UploadAsync(nothing, cancellationToken: Cancellation));
        Assert.Equal((400, "InvalidInput"), (refused.Status, refused.ErrorCode));
    }

    [Fact]
    public async Task Documented_curl_command_prints_the_version()
    {
        var site = await UploadSite.CreateAsync(_server);
        var file = Path.Join(_server.DataDirectory, $"{site.DeployId}.tar");
        await File.WriteAllBytesAsync(file, UploadSite.LargeTar(2_000_000), Cancellation);

        var printed = await BashAsync($$"""
            curl -s -i --request PUT {{Quoted(site.Url)}} -H 'x-ms-blob-type: BlockBlob' -H 'Content-Type: application/x-tar' \
                --upload-file "{{file}}" | grep x-ms-version-id | awk -F': ' '{print $2}' | tr -d '\r'
            """);

        Assert.Equal(await site.RecordedAsync(), [printed.Trim()]);
    }

    [Fact]
    public async Task Upload_URL_needs_no_quotes_in_a_shell_variable()
    {
        var site = await UploadSite.CreateAsync(_server);
        var printed = await BashAsync($"URL={Quoted(site.Url)}; printf '%s\\n' $URL");
        Assert.Equal(site.Url + "\n", printed);
    }

    [Fact]
    public async Task Curl_can_upload_a_stream_of_unknown_length()
    {
        var site = await UploadSite.CreateAsync(_server);
        var directory = Directory.CreateDirectory(Path.Join(_server.DataDirectory, site.DeployId, "dags"));
        await File.WriteAllTextAsync(Path.Join(directory.FullName, "shop.py"),
            Convert.ToHexString(RandomNumberGenerator.GetBytes(200_000)), Cancellation);

        var printed = await BashAsync(
            $"tar -C '{directory.Parent!.FullName}' -cz dags | curl -s -D - -H 'x-ms-blob-type: BlockBlob' -T - {Quoted(site.Url)}");

        Assert.StartsWith("HTTP/1.1 201 Created", printed[printed.LastIndexOf("HTTP/", StringComparison.Ordinal)..]);
        Assert.Single(await site.RecordedAsync());
    }

    private static string Quoted(string text) => $"'{text}'";

    private static async Task<string> BashAsync(string script)
    {
        using var bash = Process.Start(new ProcessStartInfo("bash", ["-c", script])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        var output = await bash.StandardOutput.ReadToEndAsync(Cancellation);
        await bash.WaitForExitAsync(Cancellation);
        return output;
    }
}
