using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.OpenApi;
using Updraft.Server.Api;

namespace Updraft.Server.OpenApi;

/// <summary>The parameters of an operation: first those of the path, then those that the handler reads from the query.</summary>
internal static partial class OperationParameters
{
    private static readonly Dictionary<string, string> Descriptions = new(StringComparer.Ordinal)
    {
        ["offset"] = "Number of rows to skip.",
        ["limit"] = "Maximum number of rows in the response.",
        ["sorts"] = "Sort order: fields with a direction, in order of priority.",
        ["names"] = "Only rows with one of these names.",
        ["workspaceIds"] = "Only rows of these Workspaces.",
        ["deploymentIds"] = "Only Deployments with these IDs.",
        ["workspaceId"] = "Only rows of this Workspace.",
        ["deploymentId"] = "Only rows of this Deployment.",
        ["kind"] = "Only tokens of this kind.",
        ["provider"] = "Only rows of this cloud provider.",
        ["cloudProvider"] = "Cloud provider of the Deployment. The response is the same for all providers.",
        ["deploymentType"] = "Type of the Deployment. The response is the same for all types.",
        ["executor"] = "Executor of the Deployment. The response is the same for all executors.",
        ["isDagBundle"] = "true: only bundles with DAGs. false: only other bundles.",
        ["type"] = "Only rows of this type.",
        ["includeDefaultRoles"] = "Whether the response includes the built-in roles.",
        ["scopeType"] = "Only permissions of this scope type.",
        ["scopeTypes"] = "Only roles of these scope types.",
        ["version"] = "Version of a bundle, from the response of its upload.",
        ["includeOnlyOrganizationTokens"] = "Only tokens whose scope is the Organization.",
    };

    /// <param name="path">The path of the route.</param>
    /// <param name="handler">The handler method.</param>
    /// <param name="metadata">The metadata of the route, such as its sort orders.</param>
    public static IEnumerable<IOpenApiParameter> Of(string path, MethodInfo handler, IList<object> metadata)
    {
        var inPath = RouteParameter().Matches(path).Select(match => match.Groups["name"].Value).ToList();
        foreach (var name in inPath)
            yield return new OpenApiParameter
            {
                Name = name,
                In = ParameterLocation.Path,
                Required = true,
                Description = name.EndsWith("Id", StringComparison.Ordinal)
                    ? $"ID of the {name[..^"Id".Length]}." : Descriptions.GetValueOrDefault(name),
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            };
        foreach (var parameter in handler.GetParameters())
        {
            if (parameter.ParameterType == typeof(Paging))
            {
                yield return Page("offset", 0, int.MaxValue);
                yield return Page("limit", Paging.DefaultLimit, Paging.MaxLimit);
            }
            foreach (var query in QueryParameter.Of(parameter, inPath))
                yield return Describe(query, metadata);
        }
    }

    private static OpenApiParameter Page(string name, int whenAbsent, int max) => new()
    {
        Name = name,
        In = ParameterLocation.Query,
        Description = Descriptions[name],
        Schema = new OpenApiSchema
        {
            Type = JsonSchemaType.Integer,
            Default = JsonValue.Create(whenAbsent),
            Minimum = "0",
            Maximum = max.ToString(CultureInfo.InvariantCulture),
        },
    };

    private static OpenApiParameter Describe(QueryParameter query, IList<object> metadata)
    {
        var (name, schema, all) = (query.Name, Schema(query), query.Attributes);
        if (name == "sorts" && metadata.OfType<SortOrders>().FirstOrDefault() is { } orders && schema.Items is OpenApiSchema items)
            items.Enum = [.. orders.Values.Select(order => JsonValue.Create(order)!)];
        // The handler parses some parameters itself, so they are texts for the framework. Attributes declare their type.
        if (schema.Type == JsonSchemaType.String && all.OfType<RangeAttribute>().Any())
            schema.Type = JsonSchemaType.Integer;
        if (all.OfType<DataTypeAttribute>().Any(data => data.DataType == DataType.DateTime))
            schema.Format = "date-time";
        if (schema.Type == JsonSchemaType.Integer && all.OfType<DefaultValueAttribute>().FirstOrDefault()?.Value is string whenAbsent)
            schema.Default = JsonNode.Parse(whenAbsent);
        DescribeSchema.Constrain(schema, all);
        if (all.OfType<RangeAttribute>().FirstOrDefault() is { } range)
            schema.Maximum = Convert.ToString(range.Maximum, CultureInfo.InvariantCulture);
        return new OpenApiParameter
        {
            Name = name,
            In = ParameterLocation.Query,
            Description = all.OfType<DescriptionAttribute>().FirstOrDefault()?.Description
                ?? Descriptions.GetValueOrDefault(name),
            Schema = schema,
        };
    }

    private static OpenApiSchema Schema(QueryParameter query)
    {
        var type = query.ValueType;
        var schema = type == typeof(bool) ? new OpenApiSchema { Type = JsonSchemaType.Boolean }
            : type == typeof(int) || type == typeof(long) ? new OpenApiSchema { Type = JsonSchemaType.Integer }
            : new OpenApiSchema { Type = JsonSchemaType.String, Format = type == typeof(DateTimeOffset) ? "date-time" : null };
        return query.IsList ? new OpenApiSchema { Type = JsonSchemaType.Array, Items = schema } : schema;
    }

    [GeneratedRegex(@"\{(?<name>[^}:?]+)[^}]*\}", RegexOptions.NonBacktracking)]
    private static partial Regex RouteParameter();
}
