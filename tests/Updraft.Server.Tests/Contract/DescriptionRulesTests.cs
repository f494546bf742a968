using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Contract;

/// <summary>
/// The rules of common OpenAPI linters, for both descriptions: texts and examples everywhere, examples that match their schema, and no
/// unused or undefined parts.
/// </summary>
public sealed class DescriptionRulesTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string SchemaPrefix = "#/components/schemas/";

    private UpdraftServer Server => shared.Server;

    public static TheoryData<string> Documents => [.. DescribedOperations.Documents];

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task Description_has_a_contact_and_usable_server_URLs(string path)
    {
        var document = await Server.Anonymous.GetOkAsync(path);
        Assert.NotEmpty(document["info"]!["contact"]!["name"]!.ToString());
        Assert.True(Uri.IsWellFormedUriString(document["info"]!["contact"]!["url"]!.ToString(), UriKind.Absolute));
        Assert.NotEmpty(document["info"]!["description"]!.ToString());
        Assert.All(document["servers"]!.AsArray(), server => Assert.False(server!["url"]!.ToString().EndsWith('/')));
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task Operation_has_texts_tags_and_a_success(string path)
    {
        var document = await Server.Anonymous.GetOkAsync(path);
        var tags = document["tags"]!.AsArray().Select(tag => tag!["name"]!.ToString()).ToList();
        var faults = new List<string>();
        foreach (var (template, operation) in Operations(document))
        {
            var id = operation["operationId"]!.ToString();
            var (summary, text) = (operation["summary"]?.ToString(), operation["description"]?.ToString());
            if (!Regex.IsMatch(id, "^[A-Za-z]+$"))
                faults.Add($"{id}: the id is not valid in a URL");
            if (string.IsNullOrEmpty(summary) || string.IsNullOrEmpty(text) || text.Length < 20 || !text.EndsWith('.'))
                faults.Add($"{id}: summary or description is missing");
            if (operation["tags"]!.AsArray().Count == 0 || !operation["tags"]!.AsArray().All(tag => tags.Contains(tag!.ToString())))
                faults.Add($"{id}: a tag is not defined");
            if (operation["responses"]!.AsObject().Count(response => response.Key[0] == '2') != 1)
                faults.Add($"{id}: no success");
            var declared = (operation["parameters"]?.AsArray() ?? []).Select(parameter => parameter!)
                .Where(parameter => parameter["in"]!.ToString() == "path").ToList();
            var named = Regex.Matches(template, @"\{(\w+)\}").Select(match => match.Groups[1].Value).ToList();
            if (!named.Order(StringComparer.Ordinal).SequenceEqual(
                declared.Select(parameter => parameter["name"]!.ToString()).Order(StringComparer.Ordinal), StringComparer.Ordinal))
                faults.Add($"{id}: other parameters in the path than {template}");
            if (operation["requestBody"] is not null && !new[] { "413", "415" }.All(operation["responses"]!.AsObject().ContainsKey))
                faults.Add($"{id}: 413 or 415 is missing");
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task Parameter_body_and_response_have_a_valid_example(string path)
    {
        var document = await Server.Anonymous.GetOkAsync(path);
        var faults = new List<string>();
        foreach (var (_, operation) in Operations(document))
        {
            var id = operation["operationId"]!.ToString();
            foreach (var parameter in operation["parameters"]?.AsArray() ?? [])
            {
                if (parameter!["in"]!.ToString() == "path" && string.IsNullOrEmpty(parameter["example"]?.ToString()))
                    faults.Add($"{id} {parameter["name"]}: no example");
            }
            var contents = operation["responses"]!.AsObject().Select(response => (Name: response.Key, Node: response.Value!["content"]))
                .Append((Name: "body", Node: operation["requestBody"]?["content"])).Where(content => content.Node is not null);
            foreach (var (name, content) in contents)
            {
                var media = content!["application/json"]!;
                if (media["example"] is { } example)
                    Validate(document, media["schema"]!, example, $"{id} {name}", faults);
                else
                    faults.Add($"{id} {name}: no example");
            }
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task Schemas_are_used_and_their_values_have_types(string path)
    {
        var document = await Server.Anonymous.GetOkAsync(path);
        var text = document.ToJsonString();
        Assert.Equal([], document["components"]!["schemas"]!.AsObject().Select(schema => schema.Key)
            .Where(name => !text.Contains($"\"{SchemaPrefix}{name}\"", StringComparison.Ordinal)));
        var faults = new List<string>();
        Walk(document, "", (node, where) =>
        {
            if (node["$ref"] is JsonValue && node.Count > 1)
                faults.Add($"{where}: fields next to $ref");
            if (node["enum"] is JsonArray values && (node["type"]?.ToString() != "string"
                || values.Select(value => value!.ToString()).Distinct(StringComparer.Ordinal).Count() != values.Count))
                faults.Add($"{where}: the enum has no type, or a value twice");
        });
        Assert.Equal([], faults);
    }

    [Fact]
    public async Task Server_accepts_the_examples_of_the_six_deploy_operations()
    {
        var operations = (await DescribedOperations.ReadAsync(Server)).ToDictionary(operation => operation.Id, StringComparer.Ordinal);
        var path = operations["CreateDeploy"].Url;
        var deploy = await Server.Client.PostOkAsync(path, Example("CreateDeploy"));
        await Server.Client.PostOkAsync($"{path}/{deploy.Text("id")}", Example("UpdateDeploy"));
        using var content = new ByteArrayContent(Uploads.UploadSite.Tar("one"));
        content.Headers.Add("x-ms-blob-type", "BlockBlob");
        using var upload = await Server.Anonymous.PutAsync(deploy.Text("dagsUploadUrl"), content, TestContext.Current.CancellationToken);
        var finalize = Example("FinalizeDeploy");
        finalize["dagTarballVersion"] = await Uploads.UploadSite.VersionOfAsync(upload);
        await Server.Client.PostOkAsync($"{path}/{deploy.Text("id")}/finalize", finalize);
        await Server.Client.PostOkAsync($"{path}/{deploy.Text("id")}/rollback", Example("DeployRollback"));

        JsonObject Example(string id) =>
            operations[id].Node["requestBody"]!["content"]!["application/json"]!["example"]!.DeepClone().AsObject();
    }

    [Theory]
    [InlineData("CreateWorkspace")]
    [InlineData("CreateDeployment")]
    [InlineData("UpdateDeployment")]
    [InlineData("UpdateWorkspace")]
    [InlineData("UpdateOrganization")]
    [InlineData("CreateAgentToken")]
    [InlineData("CreateApiToken")]
    [InlineData("CreateBundle")]
    [InlineData("CreateWebhook")]
    public async Task Server_accepts_the_example_of_a_request(string id)
    {
        await using var server = await UpdraftServer.StartAsync();
        var operation = (await DescribedOperations.ReadAsync(server)).Single(operation => operation.Id == id);
        var body = operation.Node["requestBody"]!["content"]!["application/json"]!["example"]!.DeepClone().AsObject();
        if (body.ContainsKey("workspaceId"))
            body["workspaceId"] = server.WorkspaceId;
        if (body.ContainsKey("entityId"))
            body["entityId"] = operation.Url.Contains("deployments", StringComparison.Ordinal) ? body["entityId"]!.DeepClone()
                : await server.CreateDeploymentAsync("entity");
        await server.Client.PostOkAsync(operation.Url, body);
    }

    private static IEnumerable<(string Path, JsonNode Operation)> Operations(JsonObject document) =>
        document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(operation => (path.Key, operation.Value!)));

    private static void Walk(JsonNode? node, string where, Action<JsonObject, string> visit)
    {
        if (node is JsonArray items)
        {
            foreach (var (i, item) in items.Index())
                Walk(item, $"{where}/{i}", visit);
        }
        if (node is not JsonObject fields)
            return;
        visit(fields, where);
        foreach (var (name, value) in fields)
            Walk(value, $"{where}/{name}", visit);
    }

    private static void Validate(JsonObject document, JsonNode schema, JsonNode? value, string where, List<string> faults)
    {
        if (schema["$ref"]?.ToString() is { } reference)
        {
            Validate(document, document["components"]!["schemas"]![reference[SchemaPrefix.Length..]]!, value, where, faults);
            return;
        }
        var text = value is JsonValue ? value.ToString() : null;
        var isValid = schema["type"]?.ToString() switch
        {
            "object" => value is JsonObject,
            "array" => value is JsonArray,
            "string" => value?.GetValueKind() == System.Text.Json.JsonValueKind.String,
            "boolean" => value?.GetValueKind() is System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False,
            "integer" => long.TryParse(text, CultureInfo.InvariantCulture, out _),
            _ => true,
        };
        isValid &= schema["enum"] is not JsonArray allowed || allowed.Any(word => word!.ToString() == text);
        isValid &= schema["minLength"] is not { } shortest || text?.Length >= shortest.GetValue<int>();
        isValid &= schema["maxLength"] is not { } longest || text?.Length <= longest.GetValue<int>();
        isValid &= schema["minimum"] is not { } min || long.Parse(text!, CultureInfo.InvariantCulture) >= min.GetValue<long>();
        isValid &= schema["maximum"] is not { } max || long.Parse(text!, CultureInfo.InvariantCulture) <= max.GetValue<long>();
        isValid &= schema["format"]?.ToString() != "date-time"
            || DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _);
        if (!isValid)
            faults.Add($"{where}: {value?.ToJsonString()} breaks {schema.ToJsonString()}");
        foreach (var name in schema["required"]?.AsArray() ?? [])
        {
            if (value is JsonObject owner && !owner.ContainsKey(name!.ToString()))
                faults.Add($"{where}: {name} is missing");
        }
        foreach (var (name, field) in value as JsonObject ?? [])
        {
            if (schema["properties"]?[name] is { } property)
                Validate(document, property, field, $"{where}.{name}", faults);
            else if (schema["additionalProperties"] is null && schema["properties"] is not null)
                faults.Add($"{where}: {name} is not described");
        }
        foreach (var (i, item) in (value as JsonArray ?? []).Index())
            Validate(document, schema["items"]!, item, $"{where}[{i}]", faults);
    }
}
