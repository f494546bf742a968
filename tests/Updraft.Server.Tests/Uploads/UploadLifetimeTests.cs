using System.Net;
using Microsoft.Extensions.Time.Testing;

namespace Updraft.Server.Tests.Uploads;

/// <summary>Limits of upload URLs and bodies: at the limit, just above it, and far above it.</summary>
public sealed class UploadLifetimeTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddYears(56);

    [Theory]
    [InlineData(null, 60)]
    [InlineData("7", 7)]
    public async Task Upload_URL_works_until_the_last_second_of_its_lifetime(string? setting, int minutes)
    {
        var clock = new FakeTimeProvider(Start);
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        if (setting is not null)
            settings["Uploads:UrlLifetimeMinutes"] = setting;
        await using var server = await UpdraftServer.StartAsync(clock, settings);
        var site = await UploadSite.CreateAsync(server);

        clock.SetUtcNow(Start.AddMinutes(minutes));
        await site.UploadAsync(UploadSite.Tar("one"));
        foreach (var late in new[] { TimeSpan.FromSeconds(1), TimeSpan.FromDays(20) })
        {
            clock.SetUtcNow(Start.AddMinutes(minutes) + late);
            using var response = await site.PutAsync(UploadSite.Tar("two"));
            await UploadSite.RefusalAsync(response, HttpStatusCode.Forbidden, "AuthenticationFailed");
        }
        Assert.Single(await site.RecordedAsync());
    }

    [Fact]
    public async Task Length_of_terabytes_is_rejected_without_reading_the_body()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await UploadSite.CreateAsync(server);
        using var http = await RawHttp.ConnectAsync(server.BaseAddress);
        await http.SendHeadAsync(site.Url, ["x-ms-blob-type: BlockBlob", $"Content-Length: {100L << 40}"]);

        Assert.StartsWith("HTTP/1.1 413 ", await http.ReadUntilAsync("\"statusCode\""));
    }

    [Fact]
    public async Task Endless_body_is_rejected_at_the_limit_with_413()
    {
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Uploads:MaxBytes"] = "100000",
        });
        var site = await UploadSite.CreateAsync(server);
        using var http = await RawHttp.ConnectAsync(server.BaseAddress);
        await http.SendHeadAsync(site.Url, ["x-ms-blob-type: BlockBlob", "Transfer-Encoding: chunked"]);
        // Starts with a valid header: otherwise the error would be about the archive.
        byte[] archive = [.. UploadSite.LargeTar(200_000)];
        foreach (var part in archive.Chunk(20_000).Take(6))
            await http.SendAsync((byte[])[.. System.Text.Encoding.ASCII.GetBytes($"{part.Length:x}\r\n"), .. part, .. "\r\n"u8]);

        // The last chunk never arrives.
        Assert.Contains(" 413 ", await http.ReadUntilAsync("\"statusCode\""));
        Assert.Empty(await site.RecordedAsync());
        Assert.Empty(await UploadSite.BlobsAsync(server, $"packs/{site.DeploymentId}"));
    }
}
