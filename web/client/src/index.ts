export { decodeBinary, encodeBinary, protobuf } from './binary.js';
export {
  Client, type Api, type CallOptions, type ClientOptions, type ConnectionOptions, type Protocol, type Settle, type Socket,
  type State, type StateDetail,
} from './client.js';
export { apiError, ErrorDetail, isApiError, StoaError } from './error.js';
export { decodeJson, encodeJson } from './json.js';
export * from './kind.js';
export { stream, type Stream, type StreamOptions } from './stream.js';
export { create, message, service, types, type Init, type MessageOf, type Type, type Types } from './type.js';
