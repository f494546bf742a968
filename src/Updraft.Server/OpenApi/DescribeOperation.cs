using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.OpenApi;

/// <summary>Describes one operation from its route: the metadata, the handler's parameters and what it returns.</summary>
internal sealed partial class DescribeOperation : IOpenApiOperationTransformer
{
    private const string Json = "application/json";

    /// <summary>Only routes of the contract, and of two addresses for the same only today's.</summary>
    public static bool IsDescribed(ApiDescription description, string prefix) =>
        ("/" + description.RelativePath).StartsWith(prefix + "/", StringComparison.Ordinal)
        && description.ActionDescriptor.EndpointMetadata.OfType<Operation>().Any();

    public async Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context,
        CancellationToken cancellationToken)
    {
        var document = context.Document ?? throw new InvalidOperationException("An operation is described without a document.");
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var contract = metadata.OfType<Operation>().Single();
        var handler = metadata.OfType<MethodInfo>().Single();
        var path = context.Description.RelativePath ?? "";

        operation.OperationId = contract.Id;
        operation.Summary = Words(contract.Id);
        operation.Tags = new HashSet<OpenApiTagReference> { new(context.DocumentName == ServedDescription.Own ? "updraft" : ResourceNames.Find(path), document) };
        operation.Parameters = [.. OperationParameters.Of(path, handler, metadata)];
        operation.RequestBody = contract.Body is null ? null : new OpenApiRequestBody
        {
            Required = true,
            Content = await ContentAsync(contract.Body),
        };
        operation.Responses = [];
        var produced = Produced(metadata, handler);
        operation.Responses[produced is null ? "204" : "200"] = new OpenApiResponse
        {
            Description = produced is null ? "Done." : "Done; the answer is what there is now.",
            Content = produced is null ? null : await ContentAsync(produced),
        };
        foreach (var (status, text) in Errors(path))
            operation.Responses[status] = new OpenApiResponse { Description = text, Content = await ContentAsync(typeof(ErrorResponse)) };
        if (metadata.OfType<RequiredPermission>().FirstOrDefault()?.Permission.Name(contract.Id) is { } action)
        {
            operation.Extensions ??= new Dictionary<string, IOpenApiExtension>(StringComparer.Ordinal);
            operation.Extensions["x-permission"] = new JsonNodeExtension(new JsonArray(new JsonObject { ["action"] = action }));
        }

        async Task<Dictionary<string, OpenApiMediaType>> ContentAsync(Type type)
        {
            var schema = await context.GetOrCreateSchemaAsync(type, parameterDescription: null, cancellationToken);
            return new(StringComparer.Ordinal) { [Json] = new OpenApiMediaType { Schema = SchemaComponents.Refer(schema, document) } };
        }
    }

    private static IEnumerable<(string Status, string Text)> Errors(string path)
    {
        yield return ("400", "The request is wrong; nothing was changed.");
        yield return ("401", "No valid token came with the request.");
        yield return ("403", "The token's role does not include this.");
        if (path.Contains('{', StringComparison.Ordinal))
            yield return ("404", "Something that the address names does not exist, or the caller may not see it.");
        yield return ("500", "The server failed; its log has the request under the id of the answer.");
    }

    /// <summary>The record of the answer; null when there is no body.</summary>
    private static Type? Produced(IList<object> metadata, MethodInfo handler)
    {
        if (metadata.OfType<IProducesResponseTypeMetadata>().FirstOrDefault(produces => produces.StatusCode == StatusCodes.Status200OK)?.Type
            is { } said && said != typeof(void))
            return said;
        var type = handler.ReturnType;
        if (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(Task<>) || type.GetGenericTypeDefinition() == typeof(ValueTask<>)))
            type = type.GetGenericArguments()[0];
        if (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(JsonHttpResult<>) || type.GetGenericTypeDefinition() == typeof(Ok<>)))
            type = type.GetGenericArguments()[0];
        return type == typeof(void) || type == typeof(Task) || typeof(IResult).IsAssignableFrom(type) ? null : type;
    }

    /// <summary><c>CreateDeploy</c> as <c>Create deploy</c>.</summary>
    private static string Words(string operationId)
    {
        var words = WordBorder().Replace(operationId, " ");
        return words[..1] + words[1..].ToLower(CultureInfo.InvariantCulture);
    }

    [GeneratedRegex("(?<=[a-z])(?=[A-Z])", RegexOptions.None, 1000)]
    private static partial Regex WordBorder();
}
