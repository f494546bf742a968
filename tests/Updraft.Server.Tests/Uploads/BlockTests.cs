using System.Net;

namespace Updraft.Server.Tests.Uploads;

public sealed class BlockTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private const string IdOf65Bytes = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    private static readonly string A = Convert.ToBase64String("block-a"u8), B = Convert.ToBase64String("block-b"u8);

    private readonly UpdraftServer _server = fixture.Server;

    [Fact]
    public async Task Block_list_joins_the_blocks_in_its_order()
    {
        var site = await UploadSite.CreateAsync(_server);
        var archive = UploadSite.Tar("one");
        using var whole = await site.PutAsync(archive);
        using var second = await site.StageAsync(B, archive[700..]);
        using var first = await site.StageAsync(A, archive[..700]);
        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.Created), (first.StatusCode, second.StatusCode));

        using var committed = await site.CommitAsync(A, B);

        await UploadSite.VersionOfAsync(committed);
        Assert.Equal(whole.Headers.ETag, committed.Headers.ETag);
    }

    [Fact]
    public async Task Repeated_block_list_creates_another_version()
    {
        var site = await UploadSite.CreateAsync(_server);
        (await site.StageAsync(A, UploadSite.Tar("one"))).Dispose();
        using var once = await site.CommitAsync(A);
        using var again = await site.CommitXmlAsync(
            $"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<BlockList>\n  <Committed>{A}</Committed>\n</BlockList>");

        Assert.Equal([await UploadSite.VersionOfAsync(once), await UploadSite.VersionOfAsync(again)], await site.RecordedAsync());
        Assert.Equal(once.Headers.ETag, again.Headers.ETag);
    }

    [Fact]
    public async Task Block_that_is_staged_twice_has_the_last_content()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var wanted = await site.PutAsync(UploadSite.Tar("two"));
        (await site.StageAsync(A, UploadSite.Tar("one"))).Dispose();
        (await site.StageAsync(A, UploadSite.Tar("two"))).Dispose();

        using var committed = await site.CommitAsync(A);

        Assert.Equal(wanted.Headers.ETag, committed.Headers.ETag);
    }

    [Fact]
    public async Task Block_list_can_name_a_block_twice()
    {
        var site = await UploadSite.CreateAsync(_server);
        var archive = UploadSite.Tar(new string('x', 1024));
        using var whole = await site.PutAsync(archive);
        // A header, two equal blocks of content, and the end.
        (await site.StageAsync(A, archive[..512])).Dispose();
        (await site.StageAsync(B, archive[512..1024])).Dispose();
        var end = Convert.ToBase64String("block-c"u8);
        (await site.StageAsync(end, archive[1536..])).Dispose();

        using var committed = await site.CommitAsync(A, B, B, end);

        Assert.Equal(whole.Headers.ETag, committed.Headers.ETag);
    }

    [Fact]
    public async Task Staged_blocks_survive_a_restart()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await UploadSite.CreateAsync(server);
        (await site.StageAsync(A, UploadSite.Tar("one"))).Dispose();
        await server.RestartAsync();
        using var committed = await site.CommitAsync(A);
        await UploadSite.VersionOfAsync(committed);
    }

    [Fact]
    public async Task Concurrent_block_lists_get_versions_with_their_own_content()
    {
        var site = await UploadSite.CreateAsync(_server);
        var archives = new[] { UploadSite.Tar("one"), UploadSite.Tar("two") };
        using var one = await site.PutAsync(archives[0]);
        using var two = await site.PutAsync(archives[1]);
        (await site.StageAsync(A, archives[0])).Dispose();
        (await site.StageAsync(B, archives[1])).Dispose();

        for (var round = 0; round < 10; round++)
        {
            var responses = await Task.WhenAll(site.CommitAsync(A), site.CommitAsync(B));
            var versions = new[] { await UploadSite.VersionOfAsync(responses[0]), await UploadSite.VersionOfAsync(responses[1]) };
            Assert.Distinct(versions, StringComparer.Ordinal);
            Assert.Equal((one.Headers.ETag, two.Headers.ETag), (responses[0].Headers.ETag, responses[1].Headers.ETag));
        }
    }

    [Fact]
    public async Task Block_that_many_clients_stage_at_once_is_complete()
    {
        var site = await UploadSite.CreateAsync(_server);
        var archives = Enumerable.Range(0, 8).Select(i => UploadSite.Tar(new string((char)('a' + i), 50_000))).ToList();
        var tags = new HashSet<string>(StringComparer.Ordinal);
        foreach (var archive in archives)
        {
            using var put = await site.PutAsync(archive);
            tags.Add(put.Headers.ETag!.Tag);
        }

        for (var round = 0; round < 5; round++)
        {
            var staged = await Task.WhenAll(archives.Select(archive => site.StageAsync(A, archive)));
            Assert.All(staged, response => Assert.Equal(HttpStatusCode.Created, response.StatusCode));
            using var committed = await site.CommitAsync(A);
            Assert.Contains(committed.Headers.ETag!.Tag, tags);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("&blockid=")]
    [InlineData("&blockid=AAA")]
    [InlineData("&blockid=AA%20A")]
    [InlineData("&blockid=AA%0AAA")]
    [InlineData("&blockid=%2E%2E%2Fx")]
    [InlineData("&blockid=" + IdOf65Bytes)]
    public async Task Block_with_an_invalid_id_is_rejected_with_400(string id)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync([1, 2, 3], $"&comp=block{id}");
        await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, "InvalidQueryParameterValue");
    }

    [Fact]
    public async Task Block_id_of_64_bytes_is_accepted()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.StageAsync(Convert.ToBase64String(Enumerable.Repeat((byte)0xFB, 64).ToArray()), [1]);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Theory]
    [InlineData("<BlockList><Latest>YmxvY2stYQ==</Latest><Latest>YmxvY2steA==</Latest></BlockList>", "InvalidBlockList")]
    [InlineData("<BlockList><Latest>YmxvY2stYQ==</Latest><Latest>YmI=</Latest></BlockList>", "InvalidBlockList")]
    [InlineData("<BlockList><Latest>not base64!</Latest></BlockList>", "InvalidBlockList")]
    [InlineData("<BlockList><Latest>" + IdOf65Bytes + "</Latest></BlockList>", "InvalidBlockList")]
    [InlineData("<BlockList><Newest>YmxvY2stYQ==</Newest></BlockList>", "InvalidXmlDocument")]
    [InlineData("<BlockList><Latest/></BlockList>", "InvalidXmlDocument")]
    [InlineData("<BlockList>YmxvY2stYQ==</BlockList>", "InvalidXmlDocument")]
    [InlineData("<BlockList><Latest><Latest>YmxvY2stYQ==</Latest></Latest></BlockList>", "InvalidXmlDocument")]
    [InlineData("<Blocks/>", "InvalidXmlDocument")]
    [InlineData("<BlockList><Latest>YmxvY2stYQ==</Latest>", "InvalidXmlDocument")]
    [InlineData("", "InvalidXmlDocument")]
    [InlineData("{}", "InvalidXmlDocument")]
    [InlineData("<!DOCTYPE BlockList [<!ENTITY a SYSTEM \"file:///etc/hostname\">]><BlockList><Latest>&a;</Latest></BlockList>",
        "InvalidXmlDocument")]
    [InlineData("<!DOCTYPE b [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><BlockList><Latest>&b;</Latest></BlockList>",
        "InvalidXmlDocument")]
    public async Task Invalid_block_list_is_rejected_with_400(string xml, string code)
    {
        var site = await UploadSite.CreateAsync(_server);
        (await site.StageAsync(A, UploadSite.Tar("one"))).Dispose();
        (await site.StageAsync("YmI=", new byte[512])).Dispose();
        using var response = await site.CommitXmlAsync(xml);
        await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, code);
        Assert.Empty(await site.RecordedAsync());
    }

    [Fact]
    public async Task Empty_block_list_is_rejected_with_400()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.CommitXmlAsync("<BlockList></BlockList>");
        await response.ReadAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Block_of_another_deploy_is_rejected_with_400()
    {
        var site = await UploadSite.CreateAsync(_server);
        var other = await UploadSite.CreateAsync(_server);
        (await other.StageAsync(A, UploadSite.Tar("one"))).Dispose();
        using var response = await site.CommitAsync(A);
        await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, "InvalidBlockList");
    }
}
