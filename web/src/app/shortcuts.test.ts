import { renderHook } from '@testing-library/react';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { usePage } from '../kit/page';
import { isTyping, nameOfKey } from '../kit/keys';
import { actionOf, shortcuts, useShortcuts } from './shortcuts';
import { entriesOf, matching } from './palette';
