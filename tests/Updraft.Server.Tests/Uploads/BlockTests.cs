using System.Net;

namespace Updraft.Server.Tests.Uploads;

[Trait("Database", "every")]
public sealed class BlockTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private const string IdOf65Bytes = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    private static readonly string A = Convert.ToBase64String("block-a"u8), B = Convert.ToBase64String("block-b"u8);

    private readonly UpdraftServer _server = fixture.Server;

    [Fact]
    public async Task Blocks_become_the_archive_in_the_order_of_the_list()
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
    public async Task A_list_that_is_sent_again_makes_another_version()
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
    public async Task Of_a_block_that_is_staged_twice_the_last_counts()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var wanted = await site.PutAsync(UploadSite.Tar("two"));
        (await site.StageAsync(A, UploadSite.Tar("one"))).Dispose();
        (await site.StageAsync(A, UploadSite.Tar("two"))).Dispose();

        using var committed = await site.CommitAsync(A);

        Assert.Equal(wanted.Headers.ETag, committed.Headers.ETag);
    }

    [Fact]
    public async Task A_block_may_stand_in_the_list_more_than_once()
    {
        var site = await UploadSite.CreateAsync(_server);
        var archive = UploadSite.Tar(new string('x', 1024));
        using var whole = await site.PutAsync(archive);
        // Header, two equal blocks of content, the end.
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
    public async Task Clients_that_commit_at_once_get_a_version_each_with_their_own_content()
    {
        var site = await UploadSite.CreateAsync(_server);
        var archives = new[] { UploadSite.Tar("one"), UploadSite.Tar("two") };
        using var one = await site.PutAsync(archives[0]);
        using var two = await site.PutAsync(archives[1]);
        (await site.StageAsync(A, archives[0])).Dispose();
        (await site.StageAsync(B, archives[1])).Dispose();

        for (var round = 0; round < 10; round++)
        {
            var answers = await Task.WhenAll(site.CommitAsync(A), site.CommitAsync(B));
            var versions = new[] { await UploadSite.VersionOfAsync(answers[0]), await UploadSite.VersionOfAsync(answers[1]) };
            Assert.Distinct(versions, StringComparer.Ordinal);
            Assert.Equal((one.Headers.ETag, two.Headers.ETag), (answers[0].Headers.ETag, answers[1].Headers.ETag));
        }
    }

    [Fact]
    public async Task A_block_that_many_stage_at_once_is_whole()
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
            Assert.All(staged, answer => Assert.Equal(HttpStatusCode.Created, answer.StatusCode));
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
    public async Task A_block_without_a_proper_id_is_a_400(string id)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync([1, 2, 3], $"&comp=block{id}");
        await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, "InvalidQueryParameterValue");
    }

    [Fact]
    public async Task An_id_of_64_bytes_is_proper()
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
    public async Task A_list_that_makes_no_sense_is_a_400(string xml, string code)
    {
        var site = await UploadSite.CreateAsync(_server);
        (await site.StageAsync(A, UploadSite.Tar("one"))).Dispose();
        (await site.StageAsync("YmI=", new byte[512])).Dispose();
        using var response = await site.CommitXmlAsync(xml);
        await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, code);
        Assert.Empty(await site.RecordedAsync());
    }

    [Fact]
    public async Task A_list_of_no_blocks_is_no_archive()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.CommitXmlAsync("<BlockList></BlockList>");
        await response.ReadAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Blocks_of_another_deploy_are_unknown()
    {
        var site = await UploadSite.CreateAsync(_server);
        var other = await UploadSite.CreateAsync(_server);
        (await other.StageAsync(A, UploadSite.Tar("one"))).Dispose();
        using var response = await site.CommitAsync(A);
        await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, "InvalidBlockList");
    }
}
