using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Azure.Storage.Blobs;

namespace Updraft.Testing;

/// <summary>
/// Object stores to test with, on loopback: Azurite for Azure Blob Storage, moto for S3. Each is started by the first test that wants it
/// and ended, by its process id, after the last one. <c>packaging/azurite</c> and <c>packaging/moto</c> find or fetch the programs.
/// </summary>
internal sealed class ObjectStores : IDisposable
{
    private static readonly Lazy<Task<string>> Azurite = new(StartAzuriteAsync), Moto = new(StartMotoAsync);
    private static readonly List<ChildProcess> Started = [];
    private static readonly List<string> Folders = [];

    /// <summary>Settings of a server whose blobs are in Azurite, in a place of their own.</summary>
    public static async Task<Dictionary<string, string>> AzureAsync(string? connection = null)
    {
        connection ??= await Azurite.Value;
        var account = new BlobServiceClient(connection).AccountName;
        return new(StringComparer.OrdinalIgnoreCase)
        {
            ["Storage:Url"] = $"azure://{account}/updraft/{Path.GetRandomFileName().Replace('.', '-')}",
            ["Storage:AzureConnectionString"] = connection,
        };
    }

    /// <summary>
    /// Settings of a server whose blobs are in moto, in a place of their own; or, when <c>UPDRAFT_TEST_S3</c> names an endpoint, in the bucket
    /// <c>updraft</c> there, with the keys that the AWS SDK finds.
    /// </summary>
    public static async Task<Dictionary<string, string>> S3Async()
    {
        var elsewhere = Environment.GetEnvironmentVariable("UPDRAFT_TEST_S3");
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["Storage:Url"] = $"s3://updraft/{Path.GetRandomFileName().Replace('.', '-')}?endpoint={(string.IsNullOrEmpty(elsewhere) ? await Moto.Value : elsewhere)}",
        };
        if (string.IsNullOrEmpty(elsewhere))
            (settings["Storage:AccessKey"], settings["Storage:SecretKey"]) = ("testing", "testing-secret");
        return settings;
    }

    public void Dispose()
    {
        lock (Started)
        {
            foreach (var process in Started)
                process.Dispose();
            foreach (var folder in Folders)
                Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string> StartAzuriteAsync()
    {
        var (port, key) = (LoopbackPort.Lease(), Convert.ToBase64String(RandomNumberGenerator.GetBytes(64)));
        var folder = Directory.CreateTempSubdirectory("updraft-azurite-").FullName;
        var process = Start([Program("UPDRAFT_AZURITE_BIN", "azurite-blob"), "--blobHost", "127.0.0.1", "--blobPort", $"{port}", "--location", folder,
            "--silent", "--disableTelemetry"], new Dictionary<string, string>(StringComparer.Ordinal) { ["AZURITE_ACCOUNTS"] = $"updrafttest:{key}" }, folder);
        await UntilListeningAsync(port, process);
        var connection = $"DefaultEndpointsProtocol=http;AccountName=updrafttest;AccountKey={key};BlobEndpoint=http://127.0.0.1:{port}/updrafttest;";
        await new BlobServiceClient(connection, new BlobClientOptions(BlobClientOptions.ServiceVersion.V2024_11_04)).GetBlobContainerClient("updraft").CreateIfNotExistsAsync();
        return connection;
    }

    private static async Task<string> StartMotoAsync()
    {
        var port = LoopbackPort.Lease();
        var process = Start([Program("UPDRAFT_MOTO_BIN", "moto_server"), "-H", "127.0.0.1", "-p", $"{port}"], environment: null, folder: null);
        await UntilListeningAsync(port, process);
        using var http = new HttpClient();
        // It takes requests without a signature.
        using var made = await http.PutAsync(new Uri($"http://127.0.0.1:{port}/updraft"), content: null);
        made.EnsureSuccessStatusCode();
        return $"http://127.0.0.1:{port}";
    }

    private static ChildProcess Start(IReadOnlyList<string> command, IReadOnlyDictionary<string, string>? environment, string? folder)
    {
        lock (Started)
        {
            var process = new ChildProcess(command, environment);
            Started.Add(process);
            if (folder is not null)
                Folders.Add(folder);
            return process;
        }
    }

    private static async Task UntilListeningAsync(int port, ChildProcess process)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException exception) when (tries < 600)
            {
                if (process.HasExited)
                    throw new InvalidOperationException($"An object store for tests does not start: {process.Output}", exception);
                await Task.Delay(100);
            }
        }
    }

    private static string Program(string variable, string name) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } path ? path : name;
}
