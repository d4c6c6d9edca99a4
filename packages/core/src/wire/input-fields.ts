import type { InputBeyond } from './call-bounds.ts'

// How the fields of a request are looked at. What is none of these is text.
export const json = 1
export const jsonByType = 2
export const tools = 3
export const cache = 4
export const media = 5
export const file = 6
export const url = 7
const history = 8
const prompt = 9
const serverTool = 10
const codes: readonly InputBeyond[] = ['file', 'url', 'history', 'prompt', 'server_tool']

/** What a field of a kind from `file` on points to. */
export function codeOf(kind: number): InputBeyond {
  return codes[kind - file] as InputBeyond
}

/** The kind of each field, by its name. */
export const fieldKinds: ReadonlyMap<string, number> = new Map(
  (
    [
      // What the application or the model wrote as JSON: a field in there means nothing to us.
      [
        json,
        'args arguments input parameters parametersJsonSchema input_schema inputSchema schema response ' +
          'json metadata annotations citations responseSchema response_schema responseJsonSchema ' +
          'json_schema properties parameterDefinitions parameter_definitions documents outputs',
      ],
      [jsonByType, 'value'],
      [tools, 'tools functions'],
      [cache, 'cache_control cacheControl cachePoint cache_point'],
      [
        media,
        'data bytes b64_json file_data fileData image images audio video videos file blob mask ' +
          'bytesBase64Encoded imageBytes videoBytes input_audio input_image image_base64 video_base64',
      ],
      [
        file,
        'file_id fileId file_ids fileIds input_file_id fileUri file_uri gcsUri s3Location s3Uri ' +
          'file_name fileName dataset_id',
      ],
      [
        url,
        'url uri image_url imageUrl video_url videoUrl audio_url audioUrl file_url fileUrl document_url ' +
          'documentUrl',
      ],
      [history, 'previous_response_id previousResponseId previous_interaction_id conversation'],
      [prompt, 'cachedContent cached_content'],
      [
        serverTool,
        'container vector_store_ids mcp_servers mcpServers web_search_options search_parameters data_sources ' +
          'plugins connectors',
      ],
    ] as const
  ).flatMap(([kind, names]) => names.split(' ').map((name) => [name, kind] as const)),
)

/** What an object of this type stands for. */
export const typeCodes: ReadonlyMap<string, InputBeyond> = new Map([
  ['item_reference', 'history'],
  ['container_upload', 'file'],
  ['reference', 'file'],
  ['server_tool_use', 'server_tool'],
  ['mcp_tool_use', 'server_tool'],
])
