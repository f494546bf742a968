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

/// <summary>Describes an operation by its route: the metadata, the parameters of the handler, and its result.</summary>
internal sealed partial class DescribeOperation : IOpenApiOperationTransformer
{
    private const string Json = "application/json";

    /// <summary>Whether a route is an operation, below the prefix of the document. Other prefixes have the same operations.</summary>
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
        operation.Description = OperationTexts.Find(contract.Id);
        operation.Tags = new HashSet<OpenApiTagReference> { new(context.DocumentName == ServedDescription.Own
            ? "updraft" : ResourceNames.Find(path), document) };
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
            Description = produced is null ? "The operation succeeded." : "The operation succeeded. The response has the current state.",
            Content = produced is null ? null : await ContentAsync(produced),
        };
        foreach (var (status, text) in Errors(path, contract.Body is not null))
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

    private static IEnumerable<(string Status, string Text)> Errors(string path, bool hasBody)
    {
        yield return ("400", "The request is invalid. It changed nothing.");
        yield return ("401", "The request has no valid token.");
        yield return ("403", "The roles of the token do not include the permission.");
        if (path.Contains('{', StringComparison.Ordinal))
            yield return ("404", "A resource in the URL does not exist, or the caller may not read it.");
        if (hasBody)
        {
            yield return ("413", "The body is larger than 1 MiB.");
            yield return ("415", "The body is not JSON, or it has a content encoding.");
        }
        yield return ("429", "The caller sends more requests than the operator allows. Send the request again after the time in Retry-After.");
        yield return ("500", "The server failed. Its log has the cause under the request ID of the response.");
        yield return ("503", "The database, the storage or the image registry does not respond. Send the request again.");
    }

    /// <summary>The type of the response body; null if it has none.</summary>
    private static Type? Produced(IList<object> metadata, MethodInfo handler)
    {
        if (metadata.OfType<IProducesResponseTypeMetadata>()
            .FirstOrDefault(produces => produces.StatusCode == StatusCodes.Status200OK)?.Type
            is { } declared && declared != typeof(void))
            return declared;
        var type = handler.ReturnType;
        if (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(Task<>)
            || type.GetGenericTypeDefinition() == typeof(ValueTask<>)))
            type = type.GetGenericArguments()[0];
        if (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(JsonHttpResult<>)
            || type.GetGenericTypeDefinition() == typeof(Ok<>)))
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
